"""Text that came out of a container, made fit for a status, an event and a terminal."""

from __future__ import annotations

import unicodedata

ELLIPSIS = "…"


def clean(text: str, limit: int) -> str:
    """One line of at most `limit` characters.

    Control characters, terminal escapes and those that reverse the reading order (Unicode's categories C*) become
    spaces, and runs of white space become one.
    """
    visible = "".join(" " if unicodedata.category(each).startswith("C") else each for each in text)
    line = " ".join(visible.split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + ELLIPSIS


def tail(text: str, limit: int) -> str:
    """The last `limit` characters in one line: a log says what went wrong at its end."""
    line = clean(text, max(len(text), 1))
    return line if len(line) <= limit else ELLIPSIS + line[len(line) - limit + 1 :].lstrip()


def refusal(words: str) -> str:
    """The apiserver's words, which may repeat what anyone has written, as a sentence of bearable length."""
    return sentence(clean(words, 1000))


def sentence(text: str) -> str:
    """The text with a full stop."""
    return text if text.endswith((".", "!", "?", ELLIPSIS)) else f"{text}."
