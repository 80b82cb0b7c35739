"""The hold-out and what is measured on it."""

import warnings
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import is_classifier
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline
from sklearn.utils.multiclass import type_of_target

from perennial_trainer.errors import WorkError
from perennial_trainer.metrics import METRICS, Array, Scored, Task

MIN_ROWS = 10


def task_of(estimator: Any) -> Task:
    """Whether an estimator classifies or regresses."""
    return "classification" if is_classifier(estimator) else "regression"


def check_metrics(names: Sequence[str], task: Task) -> None:
    """Refuse metrics that do not exist for the task, before time is spent on fitting.

    Raises:
        WorkError: ``MetricUnknown``.
    """
    for name in names:
        if name not in METRICS[task]:
            known = ", ".join(METRICS[task])
            raise WorkError("MetricUnknown", f"There is no metric {name!r} for {task}; there are {known}.")


def check_target(target: "pd.Series[Any]", task: Task) -> None:
    """Refuse a target that the task cannot have.

    Raises:
        WorkError: ``TargetInvalid`` or ``TooFewRows``.
    """
    if len(target) < MIN_ROWS:
        raise WorkError("TooFewRows", f"The data has {len(target)} rows; a hold-out needs at least {MIN_ROWS}.")
    if task == "regression":
        if not pd.api.types.is_numeric_dtype(target) or not np.isfinite(target.astype("float64")).all():
            raise WorkError("TargetInvalid", f"The target {target.name!r} has values that are not finite numbers.")
        return
    if target.nunique() < 2:
        raise WorkError("TargetInvalid", f"The target {target.name!r} has one value only, {target.iloc[0]!r}.")
    if type_of_target(target.to_numpy()).startswith("continuous"):
        raise WorkError("TargetInvalid", f"The target {target.name!r} is continuous; a classifier needs classes.")


def split(table: pd.DataFrame, target: str, percent: int, seed: int, task: Task) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows to train on and hold-out rows, by seed; stratified by class where every class has enough rows."""
    held = max(1, round(len(table) * percent / 100))
    stratify = None
    if task == "classification":
        counts = table[target].value_counts()
        if counts.min() >= 2 and min(held, len(table) - held) >= len(counts):
            stratify = table[target]
    train, holdout = train_test_split(table, test_size=held, random_state=seed, stratify=stratify)
    if task == "classification" and train[target].nunique() < 2:
        raise WorkError("TargetInvalid", f"The rows to train on have one value of the target {target!r} only.")
    return train, holdout


def evaluate(
    pipeline: Pipeline, inputs: pd.DataFrame, truth: Array, names: Sequence[str], task: Task
) -> dict[str, str]:
    """Metrics on hold-out rows as decimal text of 6 significant digits; no names means all that can be computed.

    Raises:
        WorkError: ``MetricUnavailable`` when one that was asked for cannot be computed.
    """
    scored = _score(pipeline, inputs, truth, task)
    values: dict[str, str] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn warns of classes that the hold-out lacks
        for name in names or METRICS[task]:
            value = METRICS[task][name](scored)
            if value is not None and np.isfinite(value):
                values[name] = decimal(value)
            elif names:
                raise WorkError("MetricUnavailable", f"{name} cannot be computed for this estimator and hold-out.")
    return values


def decimal(value: float) -> str:
    """A number as plain decimal text of 6 significant digits."""
    return format(Decimal(f"{value:.6g}"), "f")


def _score(pipeline: Pipeline, inputs: pd.DataFrame, truth: Array, task: Task) -> Scored:
    labels = pipeline.predict(inputs)
    if task == "regression":
        return Scored(truth, labels)
    probabilities = pipeline.predict_proba(inputs) if hasattr(pipeline, "predict_proba") else None
    scores = None
    if probabilities is None and hasattr(pipeline, "decision_function"):
        decision = pipeline.decision_function(inputs)
        scores = decision if np.ndim(decision) == 1 else None
    return Scored(truth, labels, pipeline.classes_, probabilities, scores)
