"""The metrics a run may ask for, each computed from the truth, the labels and, where needed, the scores."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn import metrics as m

Array = NDArray[Any]
Task = Literal["classification", "regression"]


@dataclass(frozen=True)
class Scored:
    """What an estimator said of the hold-out rows.

    Attributes:
        truth: shape (rows,).
        labels: predictions, shape (rows,).
        classes: sorted class labels, shape (classes,); None for a regression.
        probabilities: shape (rows, classes); None where the estimator has none.
        scores: decision values of a binary classifier that has no probabilities, shape (rows,).
    """

    truth: Array
    labels: Array
    classes: Array | None = None
    probabilities: Array | None = None
    scores: Array | None = None

    @property
    def binary(self) -> bool:
        """Whether there are exactly two classes; the second in sorted order is then the positive one."""
        return self.classes is not None and len(self.classes) == 2


Metric = Callable[[Scored], float | None]


def _labels(function: Callable[..., float]) -> Metric:
    return lambda s: float(function(s.truth, s.labels))


def _averaged(function: Callable[..., float]) -> Metric:
    def compute(s: Scored) -> float:
        assert s.classes is not None
        if s.binary:
            return float(function(s.truth, s.labels, pos_label=s.classes[1], zero_division=0))
        return float(function(s.truth, s.labels, average="macro", zero_division=0))

    return compute


def _positive(s: Scored) -> Array | None:
    return s.probabilities[:, 1] if s.probabilities is not None else s.scores


def _roc_auc(s: Scored) -> float | None:
    assert s.classes is not None
    if s.binary:
        positive = _positive(s)
        return None if positive is None else float(m.roc_auc_score(s.truth == s.classes[1], positive))
    if s.probabilities is None or len(np.unique(s.truth)) < len(s.classes):
        return None
    return float(m.roc_auc_score(s.truth, s.probabilities, multi_class="ovr", labels=s.classes))


def _average_precision(s: Scored) -> float | None:
    positive = _positive(s)
    if not s.binary or positive is None or s.classes is None:
        return None
    return float(m.average_precision_score(s.truth == s.classes[1], positive))


def _log_loss(s: Scored) -> float | None:
    return None if s.probabilities is None else float(m.log_loss(s.truth, s.probabilities, labels=s.classes))


def _brier(s: Scored) -> float | None:
    if not s.binary or s.probabilities is None or s.classes is None:
        return None
    return float(np.mean((s.probabilities[:, 1] - (s.truth == s.classes[1])) ** 2))


METRICS: dict[Task, dict[str, Metric]] = {
    "classification": {
        "accuracy": _labels(m.accuracy_score),
        "balanced_accuracy": _labels(m.balanced_accuracy_score),
        "precision": _averaged(m.precision_score),
        "recall": _averaged(m.recall_score),
        "f1": _averaged(m.f1_score),
        "roc_auc": _roc_auc,
        "average_precision": _average_precision,
        "log_loss": _log_loss,
        "brier_score": _brier,
    },
    "regression": {
        "mean_absolute_error": _labels(m.mean_absolute_error),
        "root_mean_squared_error": _labels(m.root_mean_squared_error),
        "median_absolute_error": _labels(m.median_absolute_error),
        "max_error": _labels(m.max_error),
        "r2": _labels(m.r2_score),
    },
}
