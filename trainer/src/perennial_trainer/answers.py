"""Predictions as JSON values: the one place where a pipeline's answer becomes what a client gets."""

import math
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

OutputType = Literal["boolean", "integer", "number", "string"]


def to_json(predictions: NDArray[Any]) -> list[Any]:
    """Labels or numbers, shape (rows,), as booleans, integers, numbers or text; NaN and infinities are null."""
    return [_value(value) for value in predictions.tolist()]


def output_type(labels: NDArray[Any]) -> OutputType:
    """The JSON type of a model's answers."""
    if np.issubdtype(labels.dtype, np.bool_):
        return "boolean"
    if np.issubdtype(labels.dtype, np.integer):
        return "integer"
    return "number" if np.issubdtype(labels.dtype, np.floating) else "string"


def _value(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if isinstance(value, bool | int | str) else str(value)
