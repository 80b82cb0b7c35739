"""Lines drawn with braille dots: two across and four down in each cell."""

from __future__ import annotations

from collections.abc import Iterator

EMPTY = chr(0x2800)
_DOT = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))


class Canvas:
    """`width` by `height` cells; dots are counted from the upper left corner."""

    def __init__(self, width: int, height: int) -> None:
        """Empty."""
        self.width, self.height = width, height
        self._cells = [[0] * width for _ in range(height)]

    @property
    def across(self) -> int:
        """Dots from left to right."""
        return 2 * self.width

    @property
    def down(self) -> int:
        """Dots from top to bottom."""
        return 4 * self.height

    def dot(self, x: int, y: int) -> None:
        """Set one dot; outside nothing happens."""
        if 0 <= x < self.across and 0 <= y < self.down:
            self._cells[y // 4][x // 2] |= _DOT[y % 4][x % 2]

    def line(self, start: tuple[int, int], end: tuple[int, int]) -> None:
        """A straight line."""
        for x, y in _between(start, end):
            self.dot(x, y)

    def rows(self) -> list[str]:
        """The picture; untouched cells are `EMPTY`."""
        return ["".join(chr(0x2800 + cell) for cell in row) for row in self._cells]


def _between(start: tuple[int, int], end: tuple[int, int]) -> Iterator[tuple[int, int]]:
    (x0, y0), (x1, y1) = start, end
    steps = max(abs(x1 - x0), abs(y1 - y0), 1)
    for step in range(steps + 1):
        yield round(x0 + (x1 - x0) * step / steps), round(y0 + (y1 - y0) * step / steps)
