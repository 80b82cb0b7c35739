"""Read the training data: the columns a run names, checked, from one CSV or Parquet file."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from perennial_trainer.canonical import digest_file
from perennial_trainer.categories import to_categories
from perennial_trainer.contract import Estimator
from perennial_trainer.errors import WorkError

_NUMERIC_MISSING = ["", "NA", "N/A", "NaN", "nan", "null", "NULL", "None"]


def check_digest(path: Path, expected: str | None) -> str:
    """SHA-256 of the data file.

    Raises:
        WorkError: ``DataNotFound``, or ``DataDigestMismatch`` when it is not the expected one.
    """
    if not path.is_file():
        what = "is a folder, not a file" if path.is_dir() else "is not there"
        raise WorkError("DataNotFound", f"The data file {path} {what}; check spec.data.uri and its claim.")
    actual = digest_file(path)
    if expected and actual != expected.lower():
        raise WorkError(
            "DataDigestMismatch",
            f"The data file {path.name} has sha256 {actual}, but the run asks for {expected}: the file changed.",
        )
    return actual


def read_table(path: Path, estimator: Estimator) -> pd.DataFrame:
    """Read inputs and target: numeric columns as float64, categorical ones as text or None, the target as it is.

    Raises:
        WorkError: ``DataUnreadable``, ``ColumnMissing``, ``ColumnInvalid``, ``TargetInvalid`` or ``TooFewRows``.
    """
    try:
        table = _read_parquet(path, estimator) if _is_parquet(path) else _read_csv(path, estimator)
    except UnicodeDecodeError as error:
        raise WorkError("DataUnreadable", f"{path.name} is not UTF-8 text: {error}.") from error
    except (pd.errors.ParserError, pd.errors.EmptyDataError, pa.ArrowException, OSError, ValueError) as error:
        raise WorkError("DataUnreadable", f"{path.name} cannot be read: {error}.") from error
    if table.empty:
        raise WorkError("TooFewRows", f"{path.name} has no rows.")
    for column in estimator.numeric:
        table[column] = _numbers(table[column], path.name)
    for column in estimator.categorical:
        table[column] = _categories(table[column], path.name)
    _check_target(table[estimator.target], path.name)
    return table


def _is_parquet(path: Path) -> bool:
    with path.open("rb") as file:
        return path.suffix == ".parquet" or file.read(4) == b"PAR1"


def _read_parquet(path: Path, estimator: Estimator) -> pd.DataFrame:
    wanted = [*estimator.columns, estimator.target]
    _check_names(pq.read_schema(path).names, wanted, path.name)
    table: pd.DataFrame = pq.read_table(path, columns=wanted).to_pandas(ignore_metadata=True)
    return table[wanted]


def _read_csv(path: Path, estimator: Estimator) -> pd.DataFrame:
    wanted = [*estimator.columns, estimator.target]
    _check_names(list(pd.read_csv(path, nrows=0).columns), wanted, path.name)
    # An empty cell is missing everywhere; "NA" is missing in numbers only, for it may be a category's name.
    missing = dict.fromkeys((*estimator.numeric, estimator.target), _NUMERIC_MISSING)
    missing |= {column: [""] for column in estimator.categorical}
    # All columns are read: a row with too many cells goes unnoticed by pandas when only some are.
    table = pd.read_csv(
        path,
        dtype=dict.fromkeys(estimator.categorical, "object"),
        keep_default_na=False,
        na_values=missing,
        low_memory=False,
    )
    return table[wanted]


def _check_names(present: list[str], wanted: list[str], file: str) -> None:
    missing = [column for column in wanted if column not in present]
    if missing:
        shown = ", ".join(present[:30]) + (", …" if len(present) > 30 else "")
        raise WorkError("ColumnMissing", f"{file} has no column {missing[0]!r}; it has {shown}.")


def _numbers(series: "pd.Series[float]", file: str) -> "pd.Series[float]":
    numbers = pd.to_numeric(series, errors="coerce").astype("float64")
    refused = (numbers.isna() & series.notna()) | np.isinf(numbers)
    if refused.any():
        row = int(np.argmax(refused.to_numpy()))
        raise WorkError(
            "ColumnInvalid",
            f"{file}, column {series.name!r}, row {row + 1}: {series.iloc[row]!r} is not a finite number.",
        )
    _check_some(numbers, file)
    return numbers


def _categories(series: "pd.Series[str]", file: str) -> "pd.Series[str]":
    values = pd.Series(to_categories(series), index=series.index, name=series.name, dtype="object")
    _check_some(values, file)
    return values


def _check_some(series: "pd.Series[float] | pd.Series[str]", file: str) -> None:
    if series.isna().all():
        raise WorkError("ColumnInvalid", f"{file}, column {series.name!r}: no row has a value.")


def _check_target(series: "pd.Series[float]", file: str) -> None:
    absent = series.isna().to_numpy()
    if absent.any():
        raise WorkError(
            "TargetInvalid",
            f"{file}, target {series.name!r}: {int(absent.sum())} rows have no value, "
            f"the first is row {int(np.argmax(absent)) + 1}.",
        )
