"""Who gets which share of the requests, and the way that the canary goes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rich.text import Text

from perennial.cli.deployment import Deployment, Revision
from perennial.cli.view.scene import Scene
from perennial.cli.view.words import GOOD, NEW, QUIET, STRONG, beside, cut, lasted, padded

USUAL = (5, 10, 25, 50)
LEFT, RIGHT = 27, 32
"""Cells beside the bar: role, version and share; what else is known."""


def bars(scene: Scene, width: int) -> list[Text]:
    """A bar for each revision that has a role."""
    seen = scene.seen
    if seen is None:
        return []
    rows = []
    for role, revision, share, style in _shares(seen):
        rows.append(_bar(role, revision, share, style, _more(scene, role, revision), width))
    return rows


def _shares(seen: Deployment) -> list[tuple[str, Revision, int, str]]:
    canary = seen.canary.weight or 0 if seen.canary else 0
    previous = seen.previous.weight or 0 if seen.previous else 0
    found = (("stable", seen.stable, 100 - canary - previous, GOOD), ("canary", seen.canary, canary, NEW))
    rest = ("previous", seen.previous, previous, QUIET)
    return [(role, each, share, style) for role, each, share, style in (*found, rest) if each]


def _bar(role: str, revision: Revision, share: int, style: str, more: str, width: int) -> Text:
    room = min(width - LEFT - RIGHT, 60)
    if room < 8:
        more, room = "", max(width - LEFT - 1, 4)
    filled = max(round(share / 100 * room), 1 if share else 0)
    line = Text.assemble(
        padded(f" {role}", 10, style),
        (f"version {revision.version}"[:14].ljust(11), STRONG),
        ("█" * filled, style),
        ("░" * (room - filled), QUIET),
        (f"{share:>4} %", STRONG),
        (f"  {more}", QUIET),
    )
    return cut(line, width)


def _more(scene: Scene, role: str, revision: Revision) -> str:
    if role == "canary" and revision.mirror:
        return f"gets a copy of {revision.mirror} %"
    if role == "previous":
        end = revision.bake_until or revision.until
        left = lasted((end - scene.now).total_seconds()) if end else ""
        until = f"for {left} more" if end and end > scene.now else "not any longer"
        return f"for comparison, {until}" if revision.weight else f"kept ready {until}"
    return f"revision {revision.revision}"


@dataclass(frozen=True)
class Stage:
    """One weight on the way; `gate` where a person must open it."""

    weight: int
    gate: bool = False


def stages(spec: Mapping[str, Any]) -> list[Stage]:
    """The weights on the way of a rollout; empty where there is none."""
    if _otherwise(spec):
        return []
    canary = (spec.get("strategy") or {}).get("canary") or {}
    steps = canary.get("steps") or [{"weight": each} for each in USUAL]
    found = [Stage(int(each["weight"]), each.get("gate") == "Manual") for each in steps]
    bake = spec.get("bake") or {}
    held = min(int(bake.get("holdbackPercent") or 0), 100 - found[-1].weight) if bake.get("seconds") else 0
    return [*found, *([Stage(100 - held)] if held else []), Stage(100)]


def _otherwise(spec: Mapping[str, Any]) -> str:
    """How requests move where it is not in steps; empty where it is."""
    strategy = spec.get("strategy") or {}
    if (weight := (strategy.get("canary") or {}).get("weight")) is not None:
        return f"{weight} %, set by hand: it goes no further by itself"
    if (shadow := strategy.get("shadow")) is not None:
        return f"a copy of {shadow.get('percent')} % of requests → 100 % at once"
    if (flip := strategy.get("blueGreen")) is not None:
        preview = int(flip.get("previewSeconds") or 0)
        return f"0 % → 100 % at once{f', after {lasted(preview)} of preview' if preview else ''}"
    return "the old version ends before the new one starts" if "recreate" in strategy else ""


def way(scene: Scene, width: int) -> list[Text]:
    """The steps, those behind ticked, and how long it will take; nothing while nothing is rolled out."""
    seen = scene.seen
    if seen is None or (seen.canary is None and not (seen.previous and seen.previous.weight)):
        return []
    line = Text(" steps    ")
    found = stages(seen.spec)
    for index, stage in enumerate(found):
        line.append(" → " if index else "", style=QUIET).append_text(_stage(stage, seen, index, len(found)))
    line.append(_otherwise(seen.spec))
    return [beside(line, Text(expected(scene), style=QUIET), width)]


def _stage(stage: Stage, seen: Deployment, index: int, count: int) -> Text:
    # While the new revision proves itself it has all but the last share.
    at = seen.canary.step if seen.canary else count - 2
    if index < at:
        return Text(f"✓{stage.weight}", style=GOOD)
    if index == at:
        waits = " (waits for you)" if seen.is_true("Reconciling", "AwaitingPromotion") else ""
        return Text(f"▸{stage.weight} %{waits}", style=f"{STRONG} {NEW}")
    unit = " %" if index == count - 1 else ""
    return Text(f"{stage.weight}{unit}{' (asks you)' if stage.gate else ''}", style=QUIET)


def expected(scene: Scene) -> str:
    """How long until it is promoted, if that can be told."""
    seen = scene.seen
    if seen is None or seen.canary is None:
        return ""
    seconds = scene.live.expected_seconds if scene.live else seen.expected_seconds
    return "" if seconds is None else f"promoted in about {lasted(seconds)}"
