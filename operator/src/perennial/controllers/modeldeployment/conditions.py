"""The conditions of a ModelDeployment, by the table in docs/conditions.md. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from perennial.api import conditions as types
from perennial.api import modeldeployment as api
from perennial.api.modeldeployment_status import PreviousStatus, RevisionStatus
from perennial.controllers.findings import Finding, merge, stored_finding
from perennial.controllers.modeldeployment.move import Move
from perennial.controllers.modeldeployment.observed import Observed
from perennial.controllers.modeldeployment.target import Problem


def conditions(seen: Observed, move: Move, now: datetime) -> list[dict[str, Any]]:
    """All conditions after ``move``; those that are present only while true are dropped otherwise."""
    gateway = seen.gateway_state
    lines: dict[str, Finding | None] = {
        types.READY: _ready(seen, move),
        types.UP_TO_DATE: _up_to_date(move),
        types.GATEWAY_READY: Finding(gateway.status, gateway.reason, gateway.message),
        types.DECIDABLE: _decidable(seen, move),
        types.RECONCILING: _present(None if move.stalled else move.progress),
        types.STALLED: _present(move.stalled),
    }
    stored = [each.model_dump(by_alias=True, exclude_none=True) for each in seen.status.conditions]
    return merge(stored, lines, seen.deployment["metadata"]["generation"], now)


def _present(problem: Problem | None) -> Finding | None:
    return Finding("True", problem.reason, problem.message) if problem else None


def _ready(seen: Observed, move: Move) -> Finding:
    stable = move.course.stable
    record = seen.record(stable.revision) if stable else None
    if stable is None or record is None:
        why = move.stalled or move.progress
        return Finding(
            "False",
            api.NOTHING_SERVES if move.stalled else api.STARTING,
            why.message if why else "Nothing serves yet.",
        )
    if not seen.gateway_state.answers:
        return Finding("False", api.NOTHING_SERVES, seen.gateway_state.message)
    if not seen.gateway_state.ready and not seen.live_route.weights:
        return Finding("False", api.STARTING, seen.gateway_state.message)
    health = seen.health(record)
    if not health.serves:
        return Finding("False", api.NOTHING_SERVES, f"No pod of version {stable.version} is ready: {health.waiting}.")
    if record.service not in seen.live_route.weights:
        return Finding(
            "False", api.STARTING, f"Version {stable.version} is ready; the gateway is about to send it requests."
        )
    return Finding("True", api.SERVING, f"Version {stable.version} serves.")


def _decidable(seen: Observed, move: Move) -> Finding | None:
    """There only while a rollout cannot be decided in time; its words stay: the numbers in them change all the time."""
    if move.course.canary is None:
        return None
    stored = [each.model_dump(by_alias=True) for each in seen.status.conditions]
    known = stored_finding(stored, types.DECIDABLE)
    if seen.reading is None or (known and seen.reading.decidable):
        return known
    return Finding("False", api.UNDECIDABLE_IN_TIME, seen.reading.decidable) if seen.reading.decidable else None


def _baking(stable: RevisionStatus, previous: PreviousStatus) -> Finding:
    share = f"{previous.weight} %" if previous.weight else "none"
    message = (
        f"Version {stable.version} is what the spec asks for; until {previous.bake_until} {share} of the requests stay"
        f" on version {previous.version}, and version {stable.version} is taken back should it turn out to be bad."
    )
    return Finding("True", api.BAKING, message)


def _up_to_date(move: Move) -> Finding:
    stable = move.course.stable
    serves = not move.stalled and not move.progress
    if serves and move.target and stable and stable.revision == move.target.revision:
        if move.course.bakes and move.course.previous:
            return _baking(stable, move.course.previous)
        return Finding("True", api.TARGET_SERVES, f"Version {stable.version} is what the spec asks for.")
    if move.stalled:
        return Finding("False", move.stalled.reason, move.stalled.message)
    if move.progress:
        return Finding("False", api.ROLLING_OUT, move.progress.message)
    return Finding("False", api.ROLLING_OUT, "The version that the spec asks for does not serve yet.")
