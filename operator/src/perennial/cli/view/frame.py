"""The whole picture, for any size: what matters most is there first, what is left of the room goes to the curves."""

from __future__ import annotations

from itertools import zip_longest

from rich.text import Text

from perennial.cli.live import Odds
from perennial.cli.view import past, weights
from perennial.cli.view.curves import Curve, plot
from perennial.cli.view.headline import sentence, title
from perennial.cli.view.numbers import table, told
from perennial.cli.view.scene import Scene
from perennial.cli.view.words import BAD, GOOD, QUIET, cut, odds, padded, wrapped

GAP = 4
"""Cells between two pictures beside each other."""
LEAST, MOST = 7, 16
"""Lines of a curve."""


def frame(scene: Scene, width: int, height: int | None) -> list[Text]:
    """Lines of at most `width` cells, `height` of them at most; None: as many as it takes, every sentence in full."""
    whole = height is None
    room = 1000 if height is None else height
    width -= 1  # the last column stays empty: some terminals wrap there
    top = [title(scene, width), Text(), *wrapped(sentence(scene), width, 20 if whole else 3)]
    shares = [*weights.bars(scene, width), *weights.way(scene, width)]
    top += [Text(), *shares] if shares else []
    numbers, end = table(scene, width), past.conditions(scene, width, whole=whole)
    foot = [cut(Text(f" {each}", style=QUIET), width) for each in (scene.trouble, scene.note) if each]
    left = room - len(top) - len(numbers) - len(end) - len(foot)
    pictures = curves(scene, width, MOST if whole else min(left - 2, MOST))
    parts = [top, pictures, numbers, end]
    left -= len(pictures)
    gaps = sum(1 for part in parts[1:] if part)
    old = past.history(scene, width, 200 if whole else max(left - gaps - 1, 0))
    return _stacked([*parts, old], foot, room)


def _stacked(parts: list[list[Text]], foot: list[Text], room: int) -> list[Text]:
    """The parts with an empty line between them where there is room for it; the foot is never lost."""
    filled = [part for part in parts if part]
    spare = room - len(foot) - sum(map(len, filled))
    lines: list[Text] = []
    for index, part in enumerate(filled):
        if index and spare > 0:
            lines.append(Text())
            spare -= 1
        lines += part
    return [*lines[: max(room - len(foot), 0)], *foot][:room]


def curves(scene: Scene, width: int, height: int) -> list[Text]:
    """Both directions of the evidence: as curves where there is room and memory, else as two bars."""
    found = told(scene)
    if found is None:
        return []
    pair = _pair(scene, *found)
    if scene.seen and scene.seen.canary is None:
        pair = pair[:1]  # it serves already: the only question left is whether it must go back
    points = scene.live.points if scene.live else ()
    if len(points) < 2 or height < LEAST or width < 50:
        return _gauges(pair, width) if height >= 2 else []
    now = max(scene.now.timestamp(), points[-1].time)
    half = (width - GAP) // 2
    if half < 30 or len(pair) < 2:
        return plot(pair[-1], points, now, width, height)
    both = [plot(each, points, now, half, height) for each in pair]
    return [_joined(left, right, half) for left, right in zip_longest(*both, fillvalue=Text())]


def _joined(left: Text, right: Text, half: int) -> Text:
    return Text.assemble(left, " " * (half - left.cell_len + GAP), right)


def _pair(scene: Scene, worse: Odds, good: Odds) -> tuple[Curve, ...]:
    goes_on = "goes on"
    canary, spec = (scene.seen.canary, scene.seen.spec) if scene.seen else (None, {})
    stages = weights.stages(spec)
    if canary and 0 <= canary.step < len(stages) - 1:
        goes_on = f"goes to {stages[canary.step + 1].weight} %"
    return (
        Curve("Is it worse?", "rolls back", BAD, worse, lambda point: point.worse),
        Curve("Is it good enough?", goes_on, GOOD, good, lambda point: point.good),
    )


def _gauges(curves: tuple[Curve, ...], width: int) -> list[Text]:
    """How far the evidence is on its way to the bound, a line for each direction."""
    tails = [f" {odds(each.now.value)} of {odds(each.now.bound)}, then it {each.happens}" for each in curves]
    room = min(max(width - 21 - max(map(len, tails)), 6), 40)
    lines = []
    for curve, tail in zip(curves, tails, strict=True):
        filled = round(min(max(curve.now.value / curve.now.bound, 0.0), 1.0) * room)
        bar = (("█" * filled, curve.style), ("░" * (room - filled), QUIET))
        lines.append(cut(Text.assemble(padded(f" {curve.title}", 21), *bar, tail), width))
    return lines
