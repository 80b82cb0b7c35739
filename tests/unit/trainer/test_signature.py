"""Rows in, answers out."""

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perennial_trainer import answers
from perennial_trainer.categories import to_category
from perennial_trainer.signature import Input, RowError, Signature

SIGNATURE = Signature((Input("age", "number"), Input("city", "string")))
anything = st.recursive(st.none() | st.booleans() | st.floats() | st.integers() | st.text(), st.lists, max_leaves=5)


@given(st.lists(st.tuples(st.none() | st.floats(-1e9, 1e9), st.none() | st.text()), min_size=1, max_size=5))
def test_lists_and_objects_are_the_same_rows(rows: list[tuple[float | None, str | None]]) -> None:
    listed = SIGNATURE.frame(SIGNATURE.rows([list(row) for row in rows]))
    objects = SIGNATURE.frame(SIGNATURE.rows([{"city": city, "age": age} for age, city in rows]))
    assert listed.equals(objects)
    assert SIGNATURE.instances(listed) == [{"age": age, "city": city} for age, city in rows]


@given(anything)
def test_any_json_is_rows_or_a_sentence(instances: Any) -> None:
    try:
        rows = SIGNATURE.rows(instances)
    except RowError:
        return
    assert len(SIGNATURE.frame(rows)) == len(instances)


@pytest.mark.parametrize(
    ("instances", "part"),
    [
        ({"age": 1}, "list of at least one row"),
        ([], "list of at least one row"),
        ([1], "row 1 is neither"),
        ([[1, "x"], [1]], "row 2 has 1 values"),
        ([{"age": 1}], "no column 'city'"),
        ([{"age": 1, "city": "x", "zip": 1}], "column 'zip'"),
        ([["old", "x"]], "column 'age': 'old' is not a number"),
        ([[True, "x"]], "column 'age': True is not a number"),
        ([[10**400, "x"]], "not a finite number"),
        ([[1, ["x"]]], "column 'city'"),
    ],
)
def test_a_bad_row_is_named(instances: Any, part: str) -> None:
    with pytest.raises(RowError) as caught:
        SIGNATURE.rows(instances)
    assert part in str(caught.value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("x", "x"),
        (5, "5"),
        (5.0, "5"),
        (5.5, "5.5"),
        (True, "true"),
        (None, None),
        (math.nan, None),
        (np.int64(3), "3"),
    ],
)
def test_categories_are_text(value: Any, text: str | None) -> None:
    assert to_category(value) == text


@pytest.mark.parametrize(
    ("labels", "values", "kind"),
    [
        (np.array([0, 1]), [0, 1], "integer"),
        (np.array([True, False]), [True, False], "boolean"),
        (np.array([0.5, math.nan, math.inf]), [0.5, None, None], "number"),
        (np.array(["a", "b"]), ["a", "b"], "string"),
        (np.array(["a", "b"], dtype=object), ["a", "b"], "string"),
    ],
)
def test_answers_are_json(labels: Any, values: list[Any], kind: str) -> None:
    assert answers.to_json(labels) == values
    assert json.loads(json.dumps(answers.to_json(labels), allow_nan=False)) == values
    assert answers.output_type(labels) == kind
