"""The policy of a canary before it gets users' requests: prepare it, remember what was rolled back. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from perennial.api.modeldeployment import PREPARING
from perennial.api.modeldeployment_status import CanaryStatus
from perennial.controllers.modeldeployment import (
    bake,
    byhand,
    capacity,
    entering,
    promoting,
    recreate,
    stepping,
    story,
    ways,
    withdrawing,
)
from perennial.controllers.modeldeployment.course import CANARY, NOT_ROUTED, Course, revision_status
from perennial.controllers.modeldeployment.move import Move
from perennial.controllers.modeldeployment.observed import Observed
from perennial.controllers.modeldeployment.readiness import readiness
from perennial.controllers.modeldeployment.revision import ROLLED_BACK, Record
from perennial.controllers.modeldeployment.target import Problem
from perennial.core.analysis_types import Reading
from perennial.core.conditions import format_time
from perennial.rollout import HoldReason

NOT_YET = {HoldReason.WARMING_UP.value, HoldReason.METRICS_UNAVAILABLE.value}


def proceed(seen: Observed, course: Course, stable: Record, target: Record, now: datetime) -> Move:
    """The next move of the rollout of ``target`` beside ``stable``."""
    course = withdrawing.still_wanted(course, target)
    why = ended(seen, target)
    again = why is not None and byhand.retries(seen, course, target)
    if why is not None and (not again or byhand.remains(seen, course, target)):
        return _rejected(seen, course, stable, target, why, now, again=again)
    move = Move(course, story.weights(course), target)
    if again:
        # As its record says from now on.
        target = replace(target, outcome="", message="")
        move = replace(move, target=target, tellings=(story.retried(target),))
    elif course.canary is None:
        move = replace(move, analysis=seen.status.analysis)
    if course.canary is None and seen.spec.paused:
        return replace(move, progress=byhand.waits(target, stable))
    waiting = withdrawing.waits(seen, move, stable, target, now)
    if waiting:
        return waiting
    return _proceed(seen, move, stable, target, now)


def _proceed(seen: Observed, move: Move, stable: Record, target: Record, now: datetime) -> Move:
    canary, previous = move.course.canary or _begin(target, now), move.course.previous
    # A new rollout ends the bake of the one before: two comparisons at a time would tell of neither.
    kept = bake.cut(previous) if previous and previous.revision != target.revision else None
    course = replace(move.course, canary=canary, previous=kept)
    move = replace(move, course=course, weights=story.weights(course), target=target, candidate=target, analysis=None)
    if seen.status.canary is None:
        move = replace(move, tellings=(*move.tellings, story.started(target, stable)))
    if ways.strategy(seen.spec).recreate:
        return recreate.proceed(seen, move, stable, target, now)
    if canary.step == NOT_ROUTED:
        return _before_traffic(seen, move, stable, target, now)
    return stepping.proceed(seen, move, stable, target, now)


def ended(seen: Observed, record: Record) -> str | None:
    """Why a revision was rolled back, or is to be; None if neither.

    The route knows it first: the operator may have ended before it could record what it did there.
    """
    if record.outcome == ROLLED_BACK:
        return record.message
    return seen.live_route.rolled_back.get(record.revision) or byhand.rejection(seen, record)


def _begin(target: Record, now: datetime) -> CanaryStatus:
    at = format_time(now)
    return CanaryStatus(**revision_status(target).model_dump(), weight=0, step=NOT_ROUTED, since=at, started=at)


def _rejected(
    seen: Observed, course: Course, stable: Record, target: Record, why: str, now: datetime, *, again: bool
) -> Move:
    """The target is rejected by hand, or was rolled back before: it is remembered, and stable keeps all requests."""
    lacking = stepping.stable_lacks(seen, stable, target)
    if lacking and seen.live_route.weights.get(target.service):
        return Move(course, story.weights(course), target, target, progress=lacking, analysis=seen.status.analysis)
    if course.role(target.revision) == CANARY:
        # A person rejects it now, or the operator ended between rolling back and telling of it.
        return story.rolled_back(seen, course, stable, target, why, now)
    if target.outcome != ROLLED_BACK and target.revision not in seen.live_route.rolled_back:
        # Rejected before it was begun: it gets no pods.
        return replace(story.rolled_back(seen, course, stable, target, why, now), candidate=None)
    over = replace(course, canary=None)
    move = Move(
        over,
        story.weights(over),
        target,
        outcomes={target.revision: (ROLLED_BACK, why)},
        analysis=seen.status.analysis,
    )
    if again:
        waiting = f"Version {target.version} is tried again as soon as nothing is left of its last try."
        return replace(move, progress=Problem(PREPARING, waiting))
    return replace(move, stalled=Problem(ROLLED_BACK, why))


def _before_traffic(seen: Observed, move: Move, stable: Record, target: Record, now: datetime) -> Move:
    found = readiness(seen, target, now, capacity.pods(seen, move.course, target))
    if found.state == "Failed":
        return story.rolled_back(seen, move.course, stable, target, found.message, now)
    if found.state == "Unlucky":
        return withdrawing.withdraw(seen, move.course, stable, target, found.message, now)
    if found.state == "Waiting":
        return replace(
            move, progress=found.progress, stalled=found.stalled, preflight=target if found.preflight else None
        )
    if byhand.promotes(seen, target):
        return promoting.by_hand(seen, move, stable, target, now)
    reading = stepping.current(seen, NOT_ROUTED)
    if seen.spec.paused and move.course.canary:
        return replace(move, analysis=story.analysis(seen, reading, now), progress=byhand.stays(move.course.canary))
    if _needs_warmth(seen) and not _warm(reading):
        move = replace(move, analysis=story.analysis(seen, reading, now))
        return replace(move, progress=stepping.told(move, HoldReason.WARMING_UP, "Stable is being watched first."))
    lacking = stepping.stable_lacks(seen, stable, target)
    if lacking:
        return replace(move, progress=lacking)
    first = reading.first_step if reading and reading.first_step is not None else 0
    return entering.enter(seen, move, stable, target, first, now)


def _needs_warmth(seen: Observed) -> bool:
    """Whether what follows is judged against stable's own rate, from the first step on."""
    return ways.hand_weight(seen.spec) is None and bool(ways.steps(seen.spec))


def _warm(reading: Reading | None) -> bool:
    return reading is not None and reading.first_step is not None and reading.reason not in NOT_YET
