"""The same in one line, for logs."""

from __future__ import annotations

from perennial.cli.view.headline import state
from perennial.cli.view.scene import Scene


def line(scene: Scene) -> str:
    """Roles, weights, state and the sentence; what moves with every count is left out, so that it is told once."""
    seen = scene.seen
    if scene.trouble:
        return scene.trouble
    if seen is None:
        return "It was deleted."
    parts = [f"stable {seen.stable.version}"] if seen.stable else []
    if seen.canary:
        parts.append(f"canary {seen.canary.version} at {seen.canary.weight or 0} %")
    if seen.previous and seen.previous.weight:
        parts.append(f"previous {seen.previous.version} at {seen.previous.weight} %")
    return " | ".join([*parts, state(seen)[0], _why(scene)])


def _why(scene: Scene) -> str:
    seen = scene.seen
    kinds = ("Stalled", "Reconciling", "UpToDate", "Ready")
    found = next((each for kind in kinds if seen and (each := seen.condition(kind))), None)
    return f"{found.reason}: {found.message}" if found else "not looked at yet"
