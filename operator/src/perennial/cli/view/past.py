"""Conditions with their sentences, and what became of the last rollouts."""

from __future__ import annotations

from rich.text import Text

from perennial.cli.deployment import Condition, Past
from perennial.cli.view.headline import sentence
from perennial.cli.view.scene import Scene
from perennial.cli.view.words import BAD, GOOD, NEW, QUIET, STRONG, cut, padded, since, wrapped

OUTCOMES = {
    "Promoted": ("promoted", GOOD),
    "Deployed": ("the first", GOOD),
    "RolledBack": ("rolled back", BAD),
    "Superseded": ("replaced", QUIET),
    "Withdrawn": ("withdrawn", QUIET),
}


def conditions(scene: Scene, width: int, *, whole: bool) -> list[Text]:
    """All of them in a line, and a line for each that says more than the headline; `whole`: every sentence in full."""
    if scene.seen is None or not scene.seen.conditions:
        return []
    if whole:
        return [line for each in scene.seen.conditions for line in _told(each, width, 20)]
    chips = Text(" ")
    for each in scene.seen.conditions:
        mark, style = _mark(each)
        chips.append(f"{mark} {each.type}  ", style=style)
    head = sentence(scene)
    more = [each for each in scene.seen.conditions if _mark(each)[1] == BAD and each.message != head]
    return [cut(chips, width), *(line for each in more for line in _told(each, width, 2))]


def _told(condition: Condition, width: int, lines: int) -> list[Text]:
    mark, style = _mark(condition)
    head = padded(f" {mark} {condition.type}", 16, style)
    text = f"{condition.reason}: {condition.message}"
    rows = wrapped(text, max(width - 17, 20), lines)
    first, *rest = rows or [Text()]
    return [cut(Text.assemble(head, " ", first), width), *(cut(Text.assemble(" " * 17, row), width) for row in rest)]


def _mark(condition: Condition) -> tuple[str, str]:
    """What is True is good, but for two; what goes on by itself is neither."""
    if condition.type == "Stalled":
        return ("✗", BAD) if condition.status == "True" else ("✓", GOOD)
    if condition.type == "Reconciling":
        return "…", NEW
    if condition.status == "True":
        return "✓", GOOD
    return ("…", NEW) if condition.status == "Unknown" or condition.type == "UpToDate" else ("✗", BAD)


def history(scene: Scene, width: int, rows: int) -> list[Text]:
    """The last rollouts, newest first, in at most `rows` lines; their sentences as fully as these allow."""
    past = scene.seen.history if scene.seen else ()
    for lines in (20, 3, 2):
        told = [row for each in past for row in _past(each, scene, width, lines)]
        if len(told) <= rows:
            return told
    return [row for each in past for row in _past(each, scene, width, 1)][:rows]


def _past(past: Past, scene: Scene, width: int, lines: int) -> list[Text]:
    words, style = OUTCOMES.get(past.outcome, (past.outcome, ""))
    ago = f"{since(past.time, scene.now)} ago" if past.time else ""
    version = padded(f"version {past.version}", 12, STRONG)
    head = Text.assemble(padded(f" {ago}", 12, QUIET), version, padded(words, 13, style))
    first, *rest = wrapped(past.message, max(width - 38, 20), lines) or [Text()]
    return [cut(Text.assemble(head, " ", first), width), *(cut(Text.assemble(" " * 38, row), width) for row in rest)]
