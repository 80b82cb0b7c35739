from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perennial.controllers.jobs.text import clean, sentence, tail


@given(st.text(), st.integers(1, 50))
def test_clean_text_is_one_short_visible_line(text: str, limit: int) -> None:
    for line in (clean(text, limit), tail(text, limit)):
        assert len(line) <= limit
        assert not any(unicodedata.category(each).startswith("C") for each in line)
        assert line == " ".join(line.split())


def test_which_end_is_kept() -> None:
    assert clean("one two three", 6) == "one t…"
    assert tail("one two three", 6) == "…three"


@pytest.mark.parametrize(("text", "expected"), [("Done", "Done."), ("Done.", "Done."), ("Why?", "Why?")])
def test_a_sentence_ends(text: str, expected: str) -> None:
    assert sentence(text) == expected
