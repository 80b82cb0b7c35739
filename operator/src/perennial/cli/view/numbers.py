"""The counts that a person can check, one line for each metric."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from rich.cells import cell_len
from rich.text import Text

from perennial.cli.deployment import Deployment, Numbers
from perennial.cli.live import Metric, Odds
from perennial.cli.view.scene import Scene
from perennial.cli.view.words import QUIET, cut, odds, padded, share

_EVIDENCE = re.compile(r"roll back (\S+) of (\S+), advance (\S+) of (\S+)")


def table(scene: Scene, width: int) -> list[Text]:
    """Titles and rows; nothing while nothing is compared."""
    rows = _rows(scene)
    if not rows:
        return []
    forms = _forms(scene, rows)
    shown = next((each for each in forms if sum(_widths(each)) - 1 <= width), forms[-1])
    widths = _widths(shown)
    lines = []
    for index, cells in enumerate(shown):
        lines.append(_line(cells, widths, ("",) * 5 if index else (QUIET,) * 5, width))
        if index and (note := rows[index - 1][-1]):
            lines.append(cut(Text(f" {' ' * widths[0]}{note}", style=QUIET), width))
    return lines


def _forms(scene: Scene, rows: Sequence[tuple[str, ...]]) -> list[list[tuple[str, ...]]]:
    """The same table ever narrower: in words, in short, and without what the pictures show as well."""
    titles, cells = _titles(scene), [row[:-1] for row in rows]
    short = [(*row[:3], *(each.replace(" of ", "/") for each in row[3:])) for row in cells]
    return [
        [(*titles, "is it worse?", "good enough?"), *cells],
        [(*titles, "worse?", "good?"), *short],
        [titles, *(row[:3] for row in cells)],
    ]


def _widths(shown: Sequence[tuple[str, ...]]) -> list[int]:
    return [max(map(cell_len, column)) + 2 for column in zip(*shown, strict=True)]


def _titles(scene: Scene) -> tuple[str, ...]:
    """The new revision and the one that it is compared with."""
    seen = scene.seen
    new, old = (seen.canary, seen.stable) if seen and seen.canary else (seen and seen.stable, seen and seen.previous)
    names = (f"version {each.version}" if each else "" for each in (new, old))
    return ("bad requests", *names)


def _line(cells: tuple[str, ...], widths: Sequence[int], styles: tuple[str, ...], width: int) -> Text:
    line = Text(" ")
    for cell, size, style in zip(cells, widths, styles, strict=False):
        line.append_text(padded(cell, size, style))
    line.rstrip()
    return cut(line, width)


def _rows(scene: Scene) -> list[tuple[str, ...]]:
    if scene.live and scene.live.metrics:
        return [_live(each) for each in scene.live.metrics]
    if scene.seen is None:
        return []
    return [(each.name, each.canary, each.stable, *_pair(each.evidence), each.note) for each in _compared(scene.seen)]


def _compared(seen: Deployment) -> tuple[Numbers, ...]:
    """What status tells, while two revisions are compared: the numbers of the last rollout stay in it."""
    return seen.numbers if seen.canary or (seen.previous and seen.previous.weight) else ()


def _live(metric: Metric) -> tuple[str, ...]:
    canary = share(metric.canary_bad, metric.canary_requests)
    stable = share(metric.stable_bad, metric.stable_requests)
    return metric.name, canary, stable, _odds(metric.worse), _odds(metric.good), metric.note


def _odds(found: Odds | None) -> str:
    return f"{odds(found.value)} of {odds(found.bound)}" if found else ""


def _pair(evidence: str) -> tuple[str, str]:
    found = _EVIDENCE.search(evidence)
    if not found:
        return evidence, ""
    return f"{found[1]} of {found[2]}", f"{found[3]} of {found[4]}"


def told(scene: Scene) -> tuple[Odds, Odds] | None:
    """The evidence in both directions, from the operator's memory or from status."""
    live = scene.live
    if live and live.worse and live.good:
        return live.worse, live.good
    numbers = _compared(scene.seen) if scene.seen else ()
    found = next((match for each in numbers if (match := _EVIDENCE.search(each.evidence))), None)
    try:
        logs = [math.log(max(float(each.replace(",", "")), 1e-9)) for each in found.groups()] if found else []
    except ValueError:
        return None
    return (Odds(logs[0], logs[1]), Odds(logs[2], logs[3])) if logs else None
