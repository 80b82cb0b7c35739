"""The signature: a model's inputs in order, and how JSON rows become the table that the pipeline reads."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from perennial_trainer.categories import to_category
from perennial_trainer.contract import Estimator

InputType = Literal["number", "string"]
Row = list[Any]


class RowError(ValueError):
    """A row that does not fit the signature; the message names the row and the column."""


@dataclass(frozen=True)
class Input:
    """One column: numbers (float64) or categories (text); null is a missing value in both."""

    name: str
    type: InputType


@dataclass(frozen=True)
class Signature:
    """The inputs in the order in which a row may be given as a list."""

    inputs: tuple[Input, ...]

    @classmethod
    def of(cls, spec: Estimator) -> "Signature":
        """The signature of a run: its numeric columns, then its categorical ones."""
        numeric = [Input(name, "number") for name in spec.numeric]
        return cls((*numeric, *(Input(name, "string") for name in spec.categorical)))

    @classmethod
    def from_json(cls, inputs: Sequence[Mapping[str, str]]) -> "Signature":
        """Read the ``inputs`` of a model card."""
        return cls(tuple(Input(item["name"], cast("InputType", item["type"])) for item in inputs))

    def to_json(self) -> list[dict[str, str]]:
        """As a model card has it."""
        return [{"name": item.name, "type": item.type} for item in self.inputs]

    @property
    def names(self) -> list[str]:
        """The columns' names in order."""
        return [item.name for item in self.inputs]

    def rows(self, instances: Any) -> list[Row]:
        """Check instances (a list of lists in the signature's order or of objects by column name).

        Raises:
            RowError: naming row and column.
        """
        if not isinstance(instances, list) or not instances:
            raise RowError('"instances" must be a list of at least one row')
        return [self._row(number, instance) for number, instance in enumerate(instances, 1)]

    def frame(self, rows: Sequence[Row]) -> pd.DataFrame:
        """Checked rows as the table that a pipeline reads: float64 and object columns."""
        columns: dict[str, NDArray[Any]] = {}
        for item, values in zip(self.inputs, zip(*rows, strict=True), strict=True):
            columns[item.name] = np.array(values, dtype=np.float64 if item.type == "number" else object)
        return pd.DataFrame(columns, copy=False)

    def instances(self, frame: pd.DataFrame) -> list[dict[str, Any]]:
        """A table's rows as JSON objects; missing values are null."""
        rows = zip(*(frame[name].tolist() for name in self.names), strict=True)
        return [dict(zip(self.names, (_json_cell(value) for value in row), strict=True)) for row in rows]

    def _row(self, number: int, instance: Any) -> Row:
        if isinstance(instance, dict):
            instance = self._ordered(number, instance)
        elif not isinstance(instance, list):
            raise RowError(f"row {number} is neither a list nor an object")
        if len(instance) != len(self.inputs):
            raise RowError(f"row {number} has {len(instance)} values; the model reads {len(self.inputs)}: {self._all}")
        return [_cell(number, item, value) for item, value in zip(self.inputs, instance, strict=True)]

    def _ordered(self, number: int, instance: Mapping[str, Any]) -> Row:
        names = self.names
        try:
            values = [instance[name] for name in names]
        except KeyError as error:
            raise RowError(f"row {number} has no column {error.args[0]!r}; the model reads {self._all}") from error
        if len(instance) > len(names):
            extra = next(name for name in instance if name not in names)
            raise RowError(f"row {number} has a column {extra!r} that the model does not know; it reads {self._all}")
        return values

    @property
    def _all(self) -> str:
        return ", ".join(self.names)


def _cell(number: int, item: Input, value: Any) -> Any:
    if item.type == "string":
        if isinstance(value, list | dict):
            raise RowError(f"row {number}, column {item.name!r}: {_shown(value)} is not a category")
        return to_category(value)
    if value is None:
        return math.nan
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise RowError(f"row {number}, column {item.name!r}: {_shown(value)} is not a number")
    return _finite(number, item, value)


def _finite(number: int, item: Input, value: float) -> float:
    try:
        converted = float(value)
    except OverflowError:
        converted = math.inf
    if math.isinf(converted):
        raise RowError(f"row {number}, column {item.name!r}: {_shown(value)} is not a finite number")
    return converted


def _json_cell(value: Any) -> Any:
    return None if isinstance(value, float) and math.isnan(value) else value


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:59] + "…"
