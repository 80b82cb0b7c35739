"""scikit-learn's classifiers and regressors by class name, with a run's parameters."""

import inspect
from collections.abc import Mapping
from typing import Any

from sklearn.base import BaseEstimator
from sklearn.utils import all_estimators

from perennial_trainer.errors import WorkError


def known() -> dict[str, type[BaseEstimator]]:
    """Every classifier and regressor that can be made without being given another estimator."""
    found = all_estimators(type_filter=["classifier", "regressor"])
    return {name: kind for name, kind in found if not _needs_another(kind)}


def build(name: str, params: Mapping[str, Any], *, seed: int, threads: int) -> BaseEstimator:
    """An unfitted estimator; the seed and the threads go to the parameters scikit-learn has for them.

    Raises:
        WorkError: ``EstimatorUnknown`` or ``ParameterInvalid``.
    """
    estimators = known()
    if name not in estimators:
        near = [other for other in estimators if name.lower() in other.lower() or other.lower() in name.lower()]
        hint = f" Did you mean {' or '.join(near[:3])}?" if near else ""
        raise WorkError("EstimatorUnknown", f"scikit-learn has no classifier or regressor named {name!r}.{hint}")
    allowed = estimators[name]().get_params(deep=False)
    given = dict(params)
    for parameter in given:
        _check_parameter(name, parameter, sorted(allowed))
    if "random_state" in allowed:
        given["random_state"] = seed
    if "n_jobs" in allowed and threads > 1:  # some estimators warn of it though they still have it
        given.setdefault("n_jobs", threads)
    return estimators[name](**given)


def _check_parameter(name: str, parameter: str, allowed: list[str]) -> None:
    if parameter == "random_state":
        raise WorkError("ParameterInvalid", "random_state is set by the run's seed; set spec.seed instead.")
    if parameter not in allowed:
        raise WorkError(
            "ParameterInvalid", f"{name} has no parameter {parameter!r}; it has {', '.join(allowed) or 'none'}."
        )


def _needs_another(kind: type[BaseEstimator]) -> bool:
    parameters = inspect.signature(kind).parameters
    required = any(p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD for p in parameters.values())
    return required or kind.__name__ == "SelfTrainingClassifier"  # its default, None, only fails later
