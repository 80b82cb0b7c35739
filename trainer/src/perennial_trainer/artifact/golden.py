"""Golden rows: hold-out rows with the answers that a server of this model must give."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

FILE_NAME = "golden.json"
ROWS = 200
TOLERANCE = 1e-6


@dataclass(frozen=True)
class Golden:
    """Rows as objects by column name and the answers to them, in the form of the v1 protocol."""

    instances: list[dict[str, Any]]
    predictions: list[Any]

    def to_json(self) -> dict[str, Any]:
        """As golden.json has it."""
        return {"instances": self.instances, "predictions": self.predictions}


def choose(holdout: pd.DataFrame, seed: int) -> pd.DataFrame:
    """At most 200 hold-out rows, chosen by seed, in the order in which the hold-out has them."""
    if len(holdout) <= ROWS:
        return holdout
    chosen = np.random.default_rng(seed).choice(len(holdout), ROWS, replace=False)
    return holdout.iloc[np.sort(chosen)]


def first_difference(expected: Sequence[Any], actual: Any) -> str | None:
    """The sentence that says where answers first differ: labels exactly, numbers by more than 1e-6; None if nowhere."""
    if not isinstance(actual, list):
        return f"the answer has no list of predictions but {_shown(actual)}"
    if len(actual) != len(expected):
        return f"{len(expected)} rows got {len(actual)} predictions"
    for number, (want, got) in enumerate(zip(expected, actual, strict=True), 1):
        if not same(want, got):
            return f"golden row {number} must be answered {_shown(want)} and was answered {_shown(got)}"
    return None


def same(want: Any, got: Any) -> bool:
    """Whether two JSON answers are equal: numbers within 1e-6 (relative above 1), everything else exactly."""
    if _is_float(want) and _is_float(got):
        return math.isclose(want, got, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    return type(want) is type(got) and bool(want == got)


def _is_float(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 100 else text[:99] + "…"
