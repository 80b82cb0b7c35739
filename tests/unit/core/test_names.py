"""Names that are the same in every process, and different for different things."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perennial.core.names import canonical_json, child_name, short_hash

LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
names = st.from_regex(LABEL, fullmatch=True).filter(lambda text: len(text) <= 63)


def test_the_hash_is_a_constant_of_the_value() -> None:
    # A changed value here would give every running revision a new name.
    assert short_hash({"b": [1, "x"], "a": None}) == "yiwlpmbvg5"


def test_the_order_of_keys_does_not_matter() -> None:
    assert canonical_json({"a": 1, "b": 2}) == canonical_json({"b": 2, "a": 1}) == b'{"a":1,"b":2}'


def test_what_json_cannot_say_is_refused() -> None:
    with pytest.raises(ValueError, match="JSON"):
        short_hash(float("nan"))


def test_a_short_name_is_whole() -> None:
    assert child_name("flights", "abc") == "flights-abc"


def test_no_room_is_an_error() -> None:
    with pytest.raises(ValueError, match="no room"):
        child_name("flights", "a" * 20, limit=20)


@given(parent=names, limit=st.integers(min_value=24, max_value=63))
def test_a_name_is_valid_and_fits(parent: str, limit: int) -> None:
    name = child_name(parent, "abcdefghij", limit)
    assert LABEL.fullmatch(name)
    assert len(name) <= limit


@given(one=names, other=names)
def test_two_parents_give_two_names(one: str, other: str) -> None:
    assert (child_name(one, "abc", 24) == child_name(other, "abc", 24)) == (one == other)
