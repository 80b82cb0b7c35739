"""What is going on: in two words, and in the sentence that matters most."""

from __future__ import annotations

from rich.text import Text

from perennial.cli.deployment import Deployment
from perennial.cli.view.scene import Scene
from perennial.cli.view.words import BAD, GOOD, NEW, QUIET, STRONG, beside, lasted, since

WAITING = {
    "Paused": "is paused",
    "AwaitingPromotion": "waits for you",
    "TimeCapReached": "waits for you",
    "Withdrawn": "is tried again later",
}
EVIDENCE = (
    "InsufficientEvidence",
    "NoTraffic",
    "MetricsUnavailable",
    "WarmingUp",
    "MinimumTime",
    "TimeCapReached",
    "Stepping",
)
"""Of these the operator's memory tells more lately than status; of what else holds a rollout it knows nothing."""


def state(seen: Deployment) -> tuple[str, str]:
    """What goes on, and its style."""
    if seen.is_true("Stalled"):
        return ("rolled back" if seen.is_true("Stalled", "RolledBack") else "cannot go on"), BAD
    if waits := next((reason for reason in WAITING if seen.is_true("Reconciling", reason)), ""):
        return WAITING[waits], NEW
    if seen.canary:
        return f"rolls out version {seen.canary.version}", NEW
    busy = seen.is_true("Reconciling")
    if seen.condition("Ready") and not seen.is_true("Ready") and not (busy and seen.stable is None):
        return "nothing serves" if seen.stable is None else "is not ready", BAD
    if seen.is_true("UpToDate", "Baking"):
        return "proves itself", GOOD
    if busy:
        return "is being prepared", NEW
    return ("serves", GOOD) if seen.stable else ("is new", NEW)


def sentence(scene: Scene) -> str:
    """The one that a person should read first."""
    seen = scene.seen
    if seen is None:
        return "It was deleted."
    telling = [each.message for each in seen.conditions if each.type == "Stalled" and each.status == "True"]
    busy = seen.condition("Reconciling")
    if seen.canary and scene.live and scene.live.message and (busy is None or busy.reason in EVIDENCE):
        telling.append(scene.live.message)
    kinds = ("Reconciling", "UpToDate", "Ready")
    telling += [each.message for kind in kinds if (each := seen.condition(kind)) and each.message]
    return next(iter(telling), "The operator has not looked at it yet.")


def title(scene: Scene, width: int) -> Text:
    """The name, what goes on, and how old that is."""
    seen = scene.seen
    if seen is None:
        return Text("deleted", style=BAD)
    words, style = state(seen)
    name = (f"{seen.namespace}/{seen.name}", STRONG)
    left = Text.assemble(name, ("  ● ", style), (words, f"{STRONG} {style}"))
    if seen.canary and (time := since(seen.canary.since, scene.now)):
        left.append(f" · {time} at {seen.canary.weight or 0} %", style=QUIET)
    return beside(left, age(scene), width)


def age(scene: Scene) -> Text:
    """How old what is shown is."""
    old = (scene.now - scene.read).total_seconds()
    if scene.trouble or old > 15:
        return Text(f"no answer for {lasted(old)}", style=f"{STRONG} {BAD}")
    counted = scene.live.at if scene.live else scene.seen.read_at if scene.seen and scene.seen.canary else None
    return Text(f"counted {since(counted, scene.now)} ago" if counted else "", style=QUIET)
