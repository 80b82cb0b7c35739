"""The conditions of a ModelDeployment, by the table in docs/conditions.md. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from perennial.api import conditions as types
from perennial.api import modeldeployment as api
from perennial.controllers.modeldeployment.move import Move
from perennial.controllers.modeldeployment.observed import Observed
from perennial.controllers.modeldeployment.target import Problem
from perennial.core.conditions import ConditionStatus, drop_condition, set_condition

LIMIT = 2048
"""The longest message that the API takes."""
Line = tuple[ConditionStatus, str, str]


def conditions(seen: Observed, move: Move, now: datetime) -> list[dict[str, Any]]:
    """All conditions after ``move``; those that are present only while true are dropped otherwise."""
    gateway = seen.gateway_state
    lines: dict[str, Line | None] = {
        types.READY: _ready(seen, move),
        types.UP_TO_DATE: _up_to_date(move),
        types.GATEWAY_READY: (gateway.status, gateway.reason, gateway.message),
        types.RECONCILING: _present(None if move.stalled else move.progress),
        types.STALLED: _present(move.stalled),
    }
    result = [each.model_dump(by_alias=True, exclude_none=True) for each in seen.status.conditions]
    generation = seen.deployment["metadata"]["generation"]
    for kind, line in lines.items():
        if line is None:
            result = drop_condition(result, kind)
            continue
        status, reason, message = line
        result = set_condition(
            result, type=kind, status=status, reason=reason, message=message[:LIMIT], generation=generation, now=now
        )
    return result


def _present(problem: Problem | None) -> Line | None:
    return ("True", problem.reason, problem.message) if problem else None


def _ready(seen: Observed, move: Move) -> Line:
    stable = move.course.stable
    record = seen.record(stable.revision) if stable else None
    if stable is None or record is None:
        why = move.stalled or move.progress
        return (
            "False",
            api.NOTHING_SERVES if move.stalled else api.STARTING,
            why.message if why else "Nothing serves yet.",
        )
    if not seen.gateway_state.ready and not seen.live_route.weights:
        return "False", api.STARTING, seen.gateway_state.message
    if seen.gateway.gateway is None:
        return "False", api.NOTHING_SERVES, seen.gateway_state.message
    health = seen.health(record)
    if not health.serves:
        return "False", api.NOTHING_SERVES, f"No pod of version {stable.version} is ready: {health.waiting}."
    if record.service not in seen.live_route.weights:
        return "False", api.STARTING, f"Version {stable.version} is ready; the gateway is about to send it requests."
    return "True", api.SERVING, f"Version {stable.version} serves."


def _up_to_date(move: Move) -> Line:
    stable = move.course.stable
    serves = not move.stalled and not move.progress
    if serves and move.target and stable and stable.revision == move.target.revision:
        return "True", api.TARGET_SERVES, f"Version {stable.version} is what the spec asks for."
    if move.stalled:
        return "False", move.stalled.reason, move.stalled.message
    if move.progress:
        return "False", api.ROLLING_OUT, move.progress.message
    return "False", api.ROLLING_OUT, "The version that the spec asks for does not serve yet."
