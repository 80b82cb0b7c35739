"""What each command writes, decided on the ModelDeployment as it is now. Pure; `Refused` says why not."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any

from perennial.cli.deployment import PROVEN, Deployment, Past, Revision
from perennial.cli.ownership import ADVANCE, NOTHING, PAUSED, PROMOTE, REJECT, RETRY, Path, Refused, value
from perennial.core.conditions import format_time

ROLLED_BACK, AWAITING_PROMOTION = "RolledBack", "AwaitingPromotion"


class Goal(Enum):
    """What `--wait` waits for."""

    SERVES = "the revision serves"
    UP_TO_DATE = "what the spec asks for serves"
    LEFT = "the revision is no canary any more"
    SEEN = "the operator has looked at it"


@dataclass(frozen=True)
class Decision:
    """A change of fields of the spec, and what follows from it.

    `told` is said when it is written, `already` when there is nothing to write. `renew` is a field whose word was used
    up before: it must be seen empty once before the same word counts again.
    """

    change: Mapping[Path, Any]
    told: str
    already: str
    goal: Goal
    revision: str = ""
    renew: Path | None = field(default=None)


def promote(seen: Deployment, _: datetime) -> Decision:
    """Let the canary take over."""
    canary, after = _canary(seen, "promote"), f" from version {seen.stable.version}" if seen.stable else ""
    used = _named(seen, PROMOTE, canary) and any(each.revision == canary.revision for each in seen.history)
    return Decision(
        {PROMOTE: canary.revision, **_without(seen, REJECT, canary.revision)},
        f"{_title(canary)} takes over{after} as soon as it is ready and has passed its preflight, whatever the evidence"
        " says.",
        f"{_title(canary)} is promoted already, and takes over as soon as it is ready and has passed its preflight.",
        Goal.SERVES,
        canary.revision,
        renew=PROMOTE if used else None,
    )


def advance(seen: Deployment, _: datetime) -> Decision:
    """Open the gate that the canary waits at."""
    canary = _canary(seen, "advance")
    word = f"{canary.revision}/{canary.step}"
    if not seen.is_true("Reconciling", AWAITING_PROMOTION) and value(seen.spec, ADVANCE) != word:
        raise Refused(
            f"Version {canary.version} of {seen.name} does not wait for a person: it goes on by the evidence, or at"
            f" once with `kubectl perennial promote {seen.name}`."
        )
    return Decision(
        {ADVANCE: word},
        f"{_title(canary)} goes on from {canary.weight or 0} % of requests as soon as the evidence allows.",
        f"The gate is open already: {_title(canary)} goes on as soon as the evidence allows.",
        Goal.SEEN,
        canary.revision,
    )


def reject(seen: Deployment, _: datetime) -> Decision:
    """Roll the canary back and remember it."""
    canary = _canary(seen, "reject")
    return Decision(
        {REJECT: canary.revision, **_without(seen, PROMOTE, canary.revision)},
        f"{_title(canary)} is rolled back at once, and tried again only after `kubectl perennial retry {seen.name}`.",
        f"{_title(canary)} is rejected already, and leaves as soon as another version can take its requests.",
        Goal.LEFT,
        canary.revision,
    )


def retry(seen: Deployment, now: datetime) -> Decision:
    """Try what was rolled back, or undone, once more."""
    if not seen.is_true("Stalled", ROLLED_BACK):
        raise Refused(f"Nothing is to be tried again: no version that {seen.name} asks for was rolled back.")
    # A rejection would win over it.
    rejected = value(seen.spec, REJECT) not in (None, NOTHING)
    return Decision(
        {RETRY: format_time(now), **({REJECT: None} if rejected else {})},
        f"What was rolled back in {seen.name} is tried once more, with a preflight and fresh evidence.",
        "",
        Goal.UP_TO_DATE,
    )


def undo(seen: Deployment, _: datetime, kept: Collection[str] = ()) -> Decision:
    """Go back to the revision that served before; `kept` are the uids of the versions that are still registered."""
    if seen.stable is None:
        raise Refused(f"There is nothing to undo: no version of {seen.name} serves yet.")
    if seen.canary is not None:
        raise Refused(
            f"Version {seen.canary.version} of {seen.name} does not serve yet: `kubectl perennial reject {seen.name}`"
            " ends its rollout."
        )
    back, how = seen.previous or _proven(seen, kept), "its pods are still there"
    if back is None:
        raise Refused(f"There is nothing to go back to: no version that served {seen.name} before is still there.")
    if seen.previous is None:
        how = "as soon as its pods are ready"
    return Decision(
        {PROMOTE: back.revision, **_without(seen, REJECT, back.revision)},
        f"{_title(back)}, which served before, takes over again: {how}. Version {seen.stable.version} is then tried"
        f" again only after `kubectl perennial retry {seen.name}`.",
        f"{_title(back)} is asked for already, and takes over as soon as it is ready.",
        Goal.SERVES,
        back.revision,
        renew=PROMOTE if _named(seen, PROMOTE, back) else None,
    )


def pause(seen: Deployment, _: datetime) -> Decision:
    """Hold every rollout."""
    resume = f"`kubectl perennial resume {seen.name}`"
    what = (
        f"Version {seen.canary.version} stays at {seen.canary.weight or 0} % of requests until {resume};"
        " it is still rolled back if it is worse."
        if seen.canary
        else f"No rollout of {seen.name} begins until {resume}."
    )
    return Decision({PAUSED: True}, what, f"It is paused already. {what}", Goal.SEEN)


def resume(seen: Deployment, _: datetime) -> Decision:
    """Go on."""
    what = (
        f"Version {seen.canary.version} goes on from {seen.canary.weight or 0} % of requests by the evidence."
        if seen.canary
        else f"The next version of {seen.name} is rolled out as soon as there is one."
    )
    return Decision({PAUSED: False}, what, f"It is not paused. {what}", Goal.SEEN)


def _canary(seen: Deployment, verb: str) -> Revision:
    if seen.canary is not None:
        return seen.canary
    last = seen.history[0] if seen.history else None
    why = "nothing is being rolled out"
    if seen.is_true("Stalled", ROLLED_BACK) and last is not None:
        why = f"version {last.version} was rolled back, and `kubectl perennial retry {seen.name}` tries it again"
    elif seen.stable is not None:
        why = f"version {seen.stable.version} serves, and nothing is being rolled out"
    raise Refused(f"There is no canary of {seen.name} to {verb}: {why}.")


def _proven(seen: Deployment, kept: Collection[str]) -> Past | None:
    serves = seen.stable.revision if seen.stable else ""
    served = (each for each in seen.history if each.outcome in PROVEN and each.revision != serves)
    return next((each for each in served if each.version_uid in kept), None)


def _title(revision: Revision | Past) -> str:
    return f"Version {revision.version} (revision {revision.revision})"


def _named(seen: Deployment, path: Path, revision: Revision | Past) -> bool:
    return bool(value(seen.spec, path) == revision.revision)


def _without(seen: Deployment, path: Path, revision: str) -> dict[Path, None]:
    """A word that says the opposite goes."""
    return {path: None} if value(seen.spec, path) == revision else {}
