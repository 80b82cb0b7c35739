"""Giving a canary its next share of requests, or of copies of them; the capacity for it comes first. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from perennial.api.modeldeployment import PREVIEW, STEPPING
from perennial.api.modeldeployment_status import CanaryStatus
from perennial.controllers.findings import Telling
from perennial.controllers.modeldeployment import byhand, capacity, ways
from perennial.controllers.modeldeployment.course import NOT_ROUTED
from perennial.controllers.modeldeployment.move import Move
from perennial.controllers.modeldeployment.observed import Observed
from perennial.controllers.modeldeployment.revision import Record
from perennial.controllers.modeldeployment.target import Problem
from perennial.core.conditions import format_time
from perennial.rollout import Verdict


def enter(seen: Observed, move: Move, stable: Record, target: Record, step: int, now: datetime) -> Move:
    """To ``step`` as the strategy has it, in status; the route follows in the next pass."""
    hand, steps = ways.hand_weight(seen.spec), ways.steps(seen.spec)
    if hand is not None:
        return _by_hand(seen, move, stable, target, hand, now)
    mirror = ways.mirror(seen.spec)
    if mirror is not None:
        return _given(seen, move, stable, target, {"step": 0, "weight": 0, "mirror": mirror}, now)
    if not steps:
        return _given(seen, move, stable, target, {"step": 0, "weight": 0, "mirror": None}, now)
    step = min(max(step, 0), len(steps) - 1)
    return _given(seen, move, stable, target, {"step": step, "weight": steps[step].weight, "mirror": None}, now)


def _by_hand(seen: Observed, move: Move, stable: Record, target: Record, weight: int, now: datetime) -> Move:
    canary = move.course.canary
    assert canary is not None
    if canary.weight == weight and canary.mirror is None:
        return replace(move, progress=byhand.at_hand_weight(canary))
    step = ways.step_for(seen.spec, weight) if weight else NOT_ROUTED
    return _given(seen, move, stable, target, {"step": step, "weight": weight, "mirror": None}, now)


def _given(
    seen: Observed, move: Move, stable: Record, target: Record, share: dict[str, int | None], now: datetime
) -> Move:
    canary = move.course.canary
    assert canary is not None
    entered = canary.model_copy(update={**share, "since": format_time(now)})
    more = max(entered.weight, entered.mirror or 0)
    lacking = capacity.lacking(seen, stable, target, more) if more > canary.weight else None
    if lacking:
        return replace(move, progress=lacking)
    problem, telling = _told(target, entered)
    return replace(
        move,
        course=replace(move.course, canary=entered),
        progress=problem,
        tellings=(*move.tellings, telling),
        verdict=Verdict.ADVANCE,
    )


def _told(target: Record, canary: CanaryStatus) -> tuple[Problem, Telling]:
    if canary.mirror is not None:
        message = f"Version {target.version} gets copies of {canary.mirror} % of requests."
        return Problem(STEPPING, message), Telling(False, "ShadowStarted", "Mirror", message)
    if canary.weight == 0 and canary.step != NOT_ROUTED:
        message = f"Version {target.version} is ready for testers, who reach it by the header of its keeper rule."
        return Problem(PREVIEW, message), Telling(False, "PreviewStarted", "Preview", message)
    message = f"Version {target.version} gets {canary.weight} % of requests."
    return Problem(STEPPING, message), Telling(False, "WeightChanged", "Advance", message)
