"""The contract's environment variables, read into dataclasses (docs/contracts.md explains each to users)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, cast

from perennial_trainer.errors import WorkError

Environment = Mapping[str, str]
Unknown = Literal["Ignore", "Error"]


@dataclass(frozen=True)
class Estimator:
    """Which scikit-learn estimator to fit, on which columns."""

    name: str
    target: str
    numeric: tuple[str, ...]
    categorical: tuple[str, ...]
    unknown_categories: Unknown = "Ignore"

    @property
    def columns(self) -> tuple[str, ...]:
        """The inputs in the signature's order: numeric columns, then categorical ones."""
        return self.numeric + self.categorical


@dataclass(frozen=True)
class Run:
    """Everything a training run is told."""

    namespace: str
    name: str
    uid: str
    model: str
    data_uri: str
    data_path: Path
    data_sha256: str | None
    estimator: Estimator
    params: Mapping[str, Any]
    seed: int
    threads: int
    holdout_percent: int
    metrics: tuple[str, ...]
    output_path: Path
    output_uri: str


@dataclass(frozen=True)
class Preflight:
    """Where to send the golden rows, and for how long to try."""

    url: str
    artifact_path: Path
    deadline_seconds: float
    headers: Mapping[str, str] = field(default_factory=dict)


def read_run(env: Environment) -> Run:
    """Read a training run.

    Raises:
        WorkError: ``EnvironmentInvalid``, naming the variable.
    """
    return Run(
        namespace=env.get("PERENNIAL_NAMESPACE", ""),
        name=env.get("PERENNIAL_RUN_NAME", ""),
        uid=env.get("PERENNIAL_RUN_UID", ""),
        model=required(env, "PERENNIAL_MODEL_NAME"),
        data_uri=env.get("PERENNIAL_DATA_URI", ""),
        data_path=Path(required(env, "PERENNIAL_DATA_PATH")),
        data_sha256=env.get("PERENNIAL_DATA_SHA256") or None,
        estimator=_estimator(required(env, "PERENNIAL_ESTIMATOR")),
        params={name: scalar(str(value)) for name, value in _object(env, "PERENNIAL_PARAMS").items()},
        seed=_integer(env, "PERENNIAL_SEED", 0, low=0, high=2**32 - 1),
        threads=_integer(env, "PERENNIAL_THREADS", 1, low=1, high=1024),
        holdout_percent=_integer(env, "PERENNIAL_HOLDOUT_PERCENT", 20, low=1, high=90),
        metrics=_names(_json(env, "PERENNIAL_METRICS", "[]"), "PERENNIAL_METRICS"),
        output_path=Path(required(env, "PERENNIAL_OUTPUT_PATH")),
        output_uri=required(env, "PERENNIAL_OUTPUT_URI").rstrip("/"),
    )


def read_preflight(env: Environment) -> Preflight:
    """Read a preflight; the Host and token headers are sent when they are given."""
    headers = {"Host": "PERENNIAL_PREFLIGHT_HOST", "x-perennial-revision": "PERENNIAL_PREFLIGHT_TOKEN"}
    return Preflight(
        url=required(env, "PERENNIAL_PREFLIGHT_URL"),
        artifact_path=Path(required(env, "PERENNIAL_ARTIFACT_PATH")),
        deadline_seconds=_integer(env, "PERENNIAL_DEADLINE_SECONDS", 60, low=1, high=86400),
        headers={header: env[name] for header, name in headers.items() if env.get(name)},
    )


def outcome_path(env: Environment) -> Path | None:
    """Where the outcome goes; None when the image is run by hand without a place for it."""
    path = env.get("PERENNIAL_OUTCOME_PATH")
    return Path(path) if path else None


def required(env: Environment, name: str) -> str:
    """A variable that must be there and not empty."""
    value = env.get(name, "")
    if not value:
        raise _invalid(name, "is not set")
    return value


def scalar(text: str) -> Any:
    """A parameter's text as a JSON scalar (number, boolean, null, string); text that is none stays a string."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return text if isinstance(value, dict | list) else value


def _estimator(text: str) -> Estimator:
    name = "PERENNIAL_ESTIMATOR"
    raw = _parse(name, text)
    if not isinstance(raw, dict):
        raise _invalid(name, "is not a JSON object")
    missing = [key for key in ("name", "target") if not isinstance(raw.get(key), str) or not raw[key]]
    if missing:
        raise _invalid(name, f"has no {missing[0]}")
    unknown = raw.get("unknownCategories", "Ignore")
    if unknown not in ("Ignore", "Error"):
        raise _invalid(name, f"has unknownCategories {unknown!r}; it is Ignore or Error")
    numeric = _names(raw.get("numeric") or [], name)
    categorical = _names(raw.get("categorical") or [], name)
    estimator = Estimator(raw["name"], raw["target"], numeric, categorical, cast("Unknown", unknown))
    _check_columns(estimator)
    return estimator


def _check_columns(estimator: Estimator) -> None:
    columns = estimator.columns
    if not columns:
        raise _invalid("PERENNIAL_ESTIMATOR", "names no numeric and no categorical column")
    for column in columns:
        if columns.count(column) > 1:
            raise _invalid("PERENNIAL_ESTIMATOR", f"names column {column!r} twice")
    if estimator.target in columns:
        raise _invalid("PERENNIAL_ESTIMATOR", f"has the target {estimator.target!r} among the inputs")


def _names(value: Any, variable: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
        raise _invalid(variable, "needs a JSON list of names")
    return tuple(value)


def _object(env: Environment, name: str) -> dict[str, Any]:
    value = _json(env, name, "{}")
    if not isinstance(value, dict):
        raise _invalid(name, "is not a JSON object")
    return value


def _json(env: Environment, name: str, default: str) -> Any:
    return _parse(name, env.get(name) or default)


def _parse(name: str, text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise _invalid(name, f"is not JSON: {error}") from error


def _integer(env: Environment, name: str, default: int, *, low: int, high: int) -> int:
    text = env.get(name) or str(default)
    try:
        value = int(text)
    except ValueError as error:
        raise _invalid(name, f"is {text!r}, not an integer") from error
    if not low <= value <= high:
        raise _invalid(name, f"is {value}; it must lie between {low} and {high}")
    return value


def _invalid(name: str, problem: str) -> WorkError:
    return WorkError("EnvironmentInvalid", f"The environment variable {name} {problem}.")
