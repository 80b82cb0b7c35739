"""The pipeline of a run: a ColumnTransformer by column names, then the estimator."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.utils import get_tags

from perennial_trainer.contract import Estimator

PREPARE = "prepare"
ESTIMATOR = "estimator"
NUMERIC = "numeric"
CATEGORICAL = "categorical"


def build(spec: Estimator, estimator: BaseEstimator, table: pd.DataFrame) -> Pipeline:
    """The unfitted pipeline.

    Args:
        spec: the columns and what an unseen category does.
        estimator: the unfitted estimator.
        table: all rows of the data; an encoder that refuses unseen categories knows those of every row here,
            so that only values that the data lacked are refused.
    """
    steps = []
    if spec.numeric:
        steps.append((NUMERIC, _numeric(estimator), list(spec.numeric)))
    if spec.categorical:
        steps.append((CATEGORICAL, _categorical(spec, estimator, table), list(spec.categorical)))
    dense = not get_tags(estimator).input_tags.sparse
    prepare = ColumnTransformer(steps, sparse_threshold=0 if dense else 0.3, verbose_feature_names_out=False)
    return Pipeline([(PREPARE, prepare), (ESTIMATOR, estimator)])


def unseen(pipeline: Pipeline, frame: pd.DataFrame) -> str | None:
    """The sentence that names the first value which the pipeline's encoder refuses; None if it refuses none."""
    prepare = pipeline.named_steps[PREPARE]
    encoder = prepare.named_transformers_.get(CATEGORICAL)
    if encoder is None or encoder.handle_unknown != "error":
        return None
    columns = next(columns for name, _, columns in prepare.transformers_ if name == CATEGORICAL)
    for column, categories in zip(columns, encoder.categories_, strict=True):
        known = set(categories)
        for row, value in enumerate(frame[column]):
            if value not in known:
                shown = "null" if value is None else repr(value)
                return f"row {row + 1}, column {column!r}: the model has not been trained on the category {shown}"
    return None


def _numeric(estimator: BaseEstimator) -> BaseEstimator | str:
    tags = get_tags(estimator).input_tags
    if tags.allow_nan:
        return "passthrough"
    impute = SimpleImputer(strategy="median")
    # What cannot take missing values is mostly what needs comparable scales as well.
    return impute if tags.positive_only else make_pipeline(impute, StandardScaler())


def _categorical(spec: Estimator, estimator: BaseEstimator, table: pd.DataFrame) -> OneHotEncoder:
    sparse = bool(get_tags(estimator).input_tags.sparse)
    if spec.unknown_categories == "Ignore":
        return OneHotEncoder(handle_unknown="ignore", sparse_output=sparse)
    categories = [_known(table[column]) for column in spec.categorical]
    return OneHotEncoder(categories=categories, handle_unknown="error", sparse_output=sparse)


def _known(series: "pd.Series[str]") -> NDArray[np.object_]:
    values: list[str | None] = sorted(series.dropna().unique())
    if series.isna().any():
        values.append(None)  # scikit-learn wants it last
    return np.array(values, dtype=object)
