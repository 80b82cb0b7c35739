"""Categories are text, in training as in serving, whatever type the file or the request carries them in."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray


def to_category(value: Any) -> str | None:
    """A category's text: ``5`` and ``5.0`` are ``"5"``, ``True`` is ``"true"``, missing (None, NaN) is None."""
    if isinstance(value, str) or value is None:
        return value
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    if isinstance(value, float | np.floating):
        if np.isnan(value):
            return None
        return str(int(value)) if float(value).is_integer() else repr(float(value))
    return None if value != value else str(value)  # NaT and pandas.NA differ from themselves


def to_categories(values: Iterable[Any]) -> NDArray[np.object_]:
    """A column of categories, shape (rows,), of text or None."""
    texts = [to_category(value) for value in values]
    column = np.empty(len(texts), dtype=object)
    column[:] = texts
    return column
