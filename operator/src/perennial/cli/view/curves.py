"""The evidence over time on a logarithmic scale, with the bound at which something happens as the upper edge."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.text import Text

from perennial.cli.live import Odds, Point
from perennial.cli.view.braille import EMPTY, Canvas
from perennial.cli.view.words import QUIET, STRONG, cut, lasted, odds, padded

SCALE = 6
"""Cells of the scale at the left."""
LEAST_SECONDS = 60.0
"""A picture of a rollout that has just begun is not stretched over the whole width."""


@dataclass(frozen=True)
class Curve:
    """One direction of the evidence: what it is about, how it is drawn, what happens at the bound."""

    title: str
    happens: str
    style: str
    now: Odds
    value: Callable[[Point], float]


def plot(curve: Curve, points: Sequence[Point], now: float, width: int, height: int) -> list[Text]:
    """`height` lines (4 at least) of `width` cells: title, picture, scale of time. `now` is in Unix seconds."""
    across, down = width - SCALE, height - 3
    begin = min([*(each.time for each in points), now - LEAST_SECONDS])
    bound = curve.now.bound
    # What speaks against it counts as much as what speaks for it, but not more.
    floor = max(min([0.0, *map(curve.value, points)]), -bound)
    canvas = _drawn(curve, points, (begin, now), (floor, bound), Canvas(across, down))
    rows = [_title(curve, width)]
    labels = _labels(floor, bound, down)
    for index, row in enumerate(canvas.rows()):
        edge = "┤" if index in labels else "│"
        scale = (f"{labels.get(index, ''):>{SCALE - 1}}{edge}", QUIET)
        rows.append(Text.assemble(scale, _row(row, curve, top=index == 0)))
    return [*rows, *_time(points, begin, now, across)]


def _title(curve: Curve, width: int) -> Text:
    numbers = f"{odds(curve.now.value)} of {odds(curve.now.bound)}"
    style = curve.style if curve.now.value >= curve.now.bound / 2 else ""
    title = padded(curve.title, max(width - len(numbers) - 1, 0), STRONG)
    return cut(Text.assemble(title, " ", (numbers, style)), width)


def _drawn(
    curve: Curve, points: Sequence[Point], times: tuple[float, float], values: tuple[float, float], canvas: Canvas
) -> Canvas:
    (begin, end), (floor, bound) = times, values

    def place(point: Point) -> tuple[int, int]:
        right = (point.time - begin) / (end - begin) * (canvas.across - 1)
        level = (min(max(curve.value(point), floor), bound) - floor) / (bound - floor)
        return round(right), round((1 - level) * (canvas.down - 1))

    last: Point | None = None
    for point in points:
        # With a step the next move's evidence begins: two curves, not one that jumps.
        start = last if last is not None and last.step == point.step else point
        canvas.line(place(start), place(point))
        last = point
    return canvas


def _labels(floor: float, bound: float, down: int) -> dict[int, str]:
    """Row -> number: the bound above, 1 where nothing speaks for or against, the floor below."""
    one = round((1 - (0.0 - floor) / (bound - floor)) * (down - 1))
    labels = {0: odds(bound), one: "1"}
    if floor < 0 and one < down - 1:
        labels[down - 1] = odds(floor)
    return labels


def _row(cells: str, curve: Curve, *, top: bool) -> Text:
    row = Text(cells.replace(EMPTY, " "), style=curve.style)
    if not top:
        return row
    # The bound is a dotted line with its consequence on it, wherever the curve is not.
    note = f" {curve.happens} "
    start = (len(cells) - len(note)) // 2
    free = all(cell == EMPTY for cell in cells[max(start, 0) : start + len(note)]) and start > 0
    row = Text()
    for at, cell in enumerate(cells):
        if cell != EMPTY:
            row.append(cell, style=curve.style)
        elif free and start <= at < start + len(note):
            row.append(note[at - start], style=QUIET)
        else:
            row.append("┈", style=QUIET)
    return row


def _time(points: Sequence[Point], begin: float, now: float, across: int) -> list[Text]:
    """The axis with the weights where they began, and how long ago it begins."""
    axis = list("─" * across)
    weight: int | None = None
    free = 0
    for point in points:
        if point.weight != weight:
            weight = point.weight
            at, label = int((point.time - begin) / (now - begin) * (across - 1)), f"{weight} %"
            if at >= free and at + len(label) + 1 <= across:
                axis[at : at + len(label) + 1] = f"┴{label}"
                free = at + len(label) + 2
    ago = f"{lasted(now - begin)} ago"
    scale = f"{ago}{'now':>{max(across - len(ago), 4)}}"[:across]
    indent = " " * (SCALE - 1)
    return [Text(f"{indent}└{''.join(axis)}", style=QUIET), Text(f"{indent} {scale}", style=QUIET)]
