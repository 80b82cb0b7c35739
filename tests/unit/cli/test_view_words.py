"""Times, numbers and sentences, cut to fit."""

from __future__ import annotations

import math

import pytest
from rich.text import Text

from perennial.cli.view.words import lasted, odds, share, wrapped


@pytest.mark.parametrize(
    ("seconds", "words"), [(-3, "0 s"), (99, "99 s"), (100, "2 min"), (5400, "2 h"), (90000, "25 h"), (900000, "10 d")]
)
def test_times(seconds: float, words: str) -> None:
    assert lasted(seconds) == words


@pytest.mark.parametrize(
    ("log", "words"),
    [
        (0.0, "1"),
        (math.log(99.6), "100"),
        (math.log(0.61), "0.61"),
        (-20, "2e-9"),
        (20, "5e8"),
        (math.log(1234), "1,234"),
    ],
)
def test_odds(log: float, words: str) -> None:
    assert odds(log) == words


def test_words_fit() -> None:
    assert share(12, 1234) == "12 of 1,234 (0.97 %)"
    assert share(0, 0) == "0 of 0"
    assert [each.plain for each in wrapped("one two three four", 9, 2)] == ["one two", "three fo…"]
    assert [each.plain for each in wrapped("a" * 25, 10, 9)] == ["a" * 10, "a" * 10, "a" * 5]
    assert all(each.cell_len <= 11 for each in wrapped("版本二" * 9, 11, 9))
    assert wrapped("", 10, 3) == []
    assert wrapped("x", 10, 0) == []
    assert isinstance(wrapped("x", 10, 1)[0], Text)
