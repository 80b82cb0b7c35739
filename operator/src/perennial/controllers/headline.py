"""The one metric that stands in the columns of ``kubectl get``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from perennial.api.base import number

# What people look at first when a spec does not say: how well classes are ranked, how much variance is explained.
USUAL = ("roc_auc", "r2", "accuracy")
LIMIT = 64


def headline(metrics: Mapping[str, str], preferred: Iterable[str] = ()) -> str | None:
    """The first of the preferred metrics that there is, else a usual one, else the first by name: "roc_auc=0.912"."""
    name = next((each for each in (*preferred, *USUAL, *sorted(metrics)) if each in metrics), None)
    return None if name is None else f"{name}={_short(number(metrics[name]))}"[:LIMIT]


def _short(value: float) -> str:
    return f"{value:.0f}" if 1000 <= abs(value) < 1e9 else f"{value:.3g}"
