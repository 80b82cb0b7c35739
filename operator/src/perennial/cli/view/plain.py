"""For terminals and logs that have nothing but ASCII."""

from __future__ import annotations

from rich.text import Text

_LIKE = str.maketrans("█░●▸✓✗…·→┤│└┴─┈×≥", "#.*>+x..>|||+-'x>")


def in_ascii(text: Text) -> Text:
    """The same with letters that ASCII has, each as wide; styles stay where they are."""
    changed = text.plain.translate(_LIKE)
    shown = "".join(_letter(each) for each in changed)
    return Text(shown, spans=list(text.spans), style=text.style, end=text.end)


def _letter(letter: str) -> str:
    if 0x2800 <= ord(letter) <= 0x28FF:
        return "*" if ord(letter) > 0x2800 else " "
    return letter if ord(letter) < 128 else "?"
