"""The policy of a canary before it gets users' requests: prepare it, remember what was rolled back. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from perennial.api.modeldeployment import CanaryStatus
from perennial.controllers.modeldeployment import stepping, story
from perennial.controllers.modeldeployment.course import NOT_ROUTED, Course, revision_status
from perennial.controllers.modeldeployment.move import Move
from perennial.controllers.modeldeployment.observed import Observed
from perennial.controllers.modeldeployment.readiness import readiness
from perennial.controllers.modeldeployment.revision import ROLLED_BACK, Record
from perennial.controllers.modeldeployment.target import Problem
from perennial.core.conditions import format_time
from perennial.rollout import HoldReason

NOT_YET = {HoldReason.WARMING_UP.value, HoldReason.METRICS_UNAVAILABLE.value}


def proceed(seen: Observed, course: Course, stable: Record, target: Record, now: datetime) -> Move:
    """The next move of the rollout of ``target`` beside ``stable``."""
    why = ended(seen, target)
    if why is not None:
        return _rejected(seen, course, stable, target, why, now)
    canary = course.canary or _begin(target, now)
    kept = course.previous if course.previous and course.previous.revision != target.revision else None
    course = replace(course, canary=canary, previous=kept)
    move = Move(course, story.weights(course), target, candidate=target)
    if seen.status.canary is None:
        move = replace(move, tellings=(story.started(target, stable),))
    if canary.step == NOT_ROUTED:
        return _before_traffic(seen, move, stable, target, now)
    return stepping.proceed(seen, move, stable, target, now)


def ended(seen: Observed, record: Record) -> str | None:
    """Why a revision was rolled back; None if it was not.

    The route knows it first: the operator may have ended before it could record what it did there.
    """
    if record.outcome == ROLLED_BACK:
        return record.message
    return seen.live_route.rolled_back.get(record.revision)


def _begin(target: Record, now: datetime) -> CanaryStatus:
    at = format_time(now)
    return CanaryStatus(**revision_status(target).model_dump(), weight=0, step=NOT_ROUTED, since=at, started=at)


def _rejected(seen: Observed, course: Course, stable: Record, target: Record, why: str, now: datetime) -> Move:
    """The target was rolled back before: it is remembered, and stable keeps all requests."""
    if course.canary and course.canary.revision == target.revision:
        # The operator ended between rolling back and telling of it.
        return story.rolled_back(seen, course, stable, target, why, now)
    over = replace(course, canary=None)
    return Move(
        over,
        story.weights(over),
        target,
        outcomes={target.revision: (ROLLED_BACK, why)},
        stalled=Problem(ROLLED_BACK, why),
        analysis=seen.status.analysis,
    )


def _before_traffic(seen: Observed, move: Move, stable: Record, target: Record, now: datetime) -> Move:
    found = readiness(seen, target, now)
    if found.state == "Failed":
        return story.rolled_back(seen, move.course, stable, target, found.message, now)
    if found.state == "Waiting":
        return replace(
            move, progress=found.progress, stalled=found.stalled, preflight=target if found.preflight else None
        )
    reading = stepping.current(seen, NOT_ROUTED)
    if reading is None or reading.first_step is None or reading.reason in NOT_YET:
        move = replace(move, analysis=story.analysis(seen, reading, now))
        return replace(move, progress=stepping.told(move, HoldReason.WARMING_UP, "Stable is being watched first."))
    lacking = stepping.stable_lacks(seen, stable, target)
    if lacking:
        return replace(move, progress=lacking)
    return stepping.enter(seen, move, target, reading.first_step, now)
