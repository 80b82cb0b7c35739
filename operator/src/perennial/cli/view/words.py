"""Times, numbers and sentences, cut to fit."""

from __future__ import annotations

import math
from datetime import datetime

from rich.cells import cell_len, set_cell_size
from rich.text import Text

GOOD, BAD, NEW, QUIET, STRONG = "green", "red", "magenta", "dim", "bold"
"""Styles that can be read on light and on dark grounds: of what goes well, goes wrong, is new, is less important."""


def lasted(seconds: float) -> str:
    """A time in one unit, as people say it: "8 s", "12 min", "3 h", "5 d"."""
    seconds = max(seconds, 0)
    for limit, size, unit in ((100, 1, "s"), (5400, 60, "min"), (129600, 3600, "h")):
        if seconds < limit:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds / 86400:.0f} d"


def since(then: datetime | None, now: datetime) -> str:
    """The time from then to now; empty if it is not known."""
    return lasted((now - then).total_seconds()) if then else ""


def odds(log: float) -> str:
    """A natural logarithm as the number that it is the logarithm of."""
    value = math.exp(min(max(log, -50.0), 50.0))
    if value >= 100_000 or value < 0.001:
        return f"{value:.0e}".replace("e+0", "e").replace("e-0", "e-").replace("e+", "e")
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"


def share(bad: int, requests: int) -> str:
    """Bad requests of all: "12 of 1,234 (0.97 %)"."""
    return f"{bad:,} of {requests:,}" + (f" ({100 * bad / requests:.2f} %)" if requests else "")


def cut(text: Text, width: int) -> Text:
    """One line of at most `width` cells."""
    short = text.copy()
    short.truncate(max(width, 0), overflow="ellipsis")
    return short


def padded(text: str, width: int, style: str = "") -> Text:
    """Exactly `width` cells; what is longer ends with an ellipsis."""
    if cell_len(text) > width:
        text = set_cell_size(text, max(width - 1, 0)) + "…"[:width]
    return Text(set_cell_size(text, width), style=style)


def wrapped(sentence: str, width: int, lines: int, style: str = "") -> list[Text]:
    """A sentence in at most `lines` lines of `width` cells; what does not fit is left out with an ellipsis."""
    rows: list[Text] = []
    left = " ".join(sentence.split())
    while left and len(rows) < lines - 1:
        row = _fitting(left, width)
        rows.append(Text(row.rstrip(), style=style))
        left = left[len(row) :].lstrip()
    return [*rows, cut(Text(left, style=style), width)] if left and lines > 0 else rows


def _fitting(text: str, width: int) -> str:
    """As many whole words from the front as fit, of a longer word as many letters."""
    if cell_len(text) <= width:
        return text
    taken, at = 0, 0
    for at, letter in enumerate(text):  # noqa: B007  where it stops is what is wanted
        taken += cell_len(letter)
        if taken > width:
            break
    space = text.rfind(" ", 0, at + 1)
    return text[: space if space > 0 else max(at, 1)]


def beside(left: Text, right: Text, width: int) -> Text:
    """One line with something at its left and its right end; the left one gives way."""
    line = cut(left, max(width - right.cell_len - 1, 0))
    return cut(Text.assemble(line, " " * (width - line.cell_len - right.cell_len), right), width)
