"""The policy of a canary: prepare, step forward on evidence, promote, roll back. Pure."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import datetime

from perennial.api.modeldeployment import STEPPING, CanaryStatus
from perennial.controllers.modeldeployment import story
from perennial.controllers.modeldeployment.course import NOT_ROUTED, Course, previous_status, revision_status
from perennial.controllers.modeldeployment.move import Move
from perennial.controllers.modeldeployment.observed import Observed
from perennial.controllers.modeldeployment.readiness import readiness
from perennial.controllers.modeldeployment.revision import ROLLED_BACK, Record
from perennial.controllers.modeldeployment.target import Problem
from perennial.core.analysis_types import Reading
from perennial.core.conditions import format_time
from perennial.rollout import HoldReason, Verdict

NOT_YET = {HoldReason.WARMING_UP.value, HoldReason.METRICS_UNAVAILABLE.value}


def proceed(seen: Observed, course: Course, stable: Record, target: Record, now: datetime) -> Move:
    """The next move of the rollout of ``target`` beside ``stable``."""
    if target.outcome == ROLLED_BACK:
        return _rejected(seen, course, stable, target, now)
    canary = course.canary or _begin(target, now)
    kept = course.previous if course.previous and course.previous.revision != target.revision else None
    course = replace(course, canary=canary, previous=kept)
    move = Move(course, story.weights(course), target, candidate=target)
    if seen.status.canary is None:
        move = replace(move, notes=(story.started(target, stable),))
    if canary.step == NOT_ROUTED:
        return _before_traffic(seen, move, target, now)
    return _in_traffic(seen, move, stable, target, now)


def _begin(target: Record, now: datetime) -> CanaryStatus:
    at = format_time(now)
    return CanaryStatus(**revision_status(target).model_dump(), weight=0, step=NOT_ROUTED, since=at, started=at)


def _rejected(seen: Observed, course: Course, stable: Record, target: Record, now: datetime) -> Move:
    """The target was rolled back before: it is remembered, and stable keeps all requests."""
    over = replace(course, canary=None)
    weights = story.weights(over)
    if course.canary and course.canary.revision == target.revision:
        # The operator ended between remembering the rollback and telling of it.
        return story.rolled_back(seen, course, stable, target, target.message, now)
    return Move(over, weights, target, stalled=Problem(ROLLED_BACK, target.message))


def _before_traffic(seen: Observed, move: Move, target: Record, now: datetime) -> Move:
    found = readiness(seen, target, now)
    if found.state == "Failed":
        return _roll_back(seen, move, target, found.message, now)
    if found.state == "Waiting":
        waiting = Problem(found.reason, found.message)
        return replace(move, progress=waiting, preflight=target if found.preflight else None)
    reading = _current(seen, NOT_ROUTED)
    if reading is None or reading.first_step is None or reading.reason in NOT_YET:
        return replace(move, progress=_why_not_yet(reading), analysis=story.analysis(seen, reading, now))
    return _enter(seen, move, target, reading.first_step, now)


def _why_not_yet(reading: Reading | None) -> Problem:
    if reading is None or not reading.reason:
        return Problem(HoldReason.WARMING_UP, "The stable revision's requests are being counted before the first step.")
    return Problem(reading.reason, reading.message)


def _in_traffic(seen: Observed, move: Move, stable: Record, target: Record, now: datetime) -> Move:
    canary = move.course.canary
    assert canary is not None
    failure = seen.health(target).failure
    if failure:
        return _roll_back(seen, move, target, f"Version {target.version} failed: {failure}.", now)
    reading = _current(seen, canary.step)
    move = replace(move, analysis=story.analysis(seen, reading, now))
    if reading is None:
        return replace(
            move, progress=Problem(HoldReason.INSUFFICIENT_EVIDENCE, "Requests are being counted at this weight.")
        )
    if reading.verdict is Verdict.ROLL_BACK:
        return _roll_back(seen, move, target, reading.message, now)
    if reading.verdict not in (Verdict.ADVANCE, Verdict.PROMOTE):
        return replace(move, progress=Problem(reading.reason, reading.message))
    return _forward(seen, move, stable, target, reading, now)


def _forward(seen: Observed, move: Move, stable: Record, target: Record, reading: Reading, now: datetime) -> Move:
    canary = move.course.canary
    assert canary is not None
    step = canary.step + 1
    steps = seen.spec.strategy.canary.steps
    last = step >= len(steps)
    lacking = _lacking_capacity(seen, stable, target, 100 if last else steps[step].weight)
    if lacking:
        return replace(move, progress=lacking)
    if last:
        return _promote(seen, move, stable, target, reading, now)
    return _enter(seen, move, target, step, now)


def _lacking_capacity(seen: Observed, stable: Record, target: Record, weight: int) -> Problem | None:
    """Capacity comes before weight, so that a step never overloads the canary."""
    ready = seen.health(target).ready
    needed = max(1, math.ceil(weight / 100 * seen.health(stable).ready))
    if ready >= needed:
        return None
    return Problem(
        HoldReason.CAPACITY_NOT_READY, f"{weight} % needs {needed} ready pods of version {target.version}; {ready} are."
    )


def _enter(seen: Observed, move: Move, target: Record, step: int, now: datetime) -> Move:
    steps = seen.spec.strategy.canary.steps
    canary = move.course.canary
    assert canary is not None
    step = min(step, len(steps) - 1)
    stepped = canary.model_copy(update={"step": step, "weight": steps[step].weight, "since": format_time(now)})
    return replace(
        move,
        course=replace(move.course, canary=stepped),
        progress=story.stepping(target, steps[step].weight),
        notes=(*move.notes, story.stepped(target, steps[step].weight)),
        verdict=Verdict.ADVANCE,
    )


def _promote(seen: Observed, move: Move, stable: Record, target: Record, reading: Reading, now: datetime) -> Move:
    message = story.promotion(stable, target, reading)
    previous = previous_status(revision_status(stable), seen, now)
    return replace(
        move,
        course=Course(stable=revision_status(target), previous=previous),
        progress=Problem(STEPPING, f"Version {target.version} takes all requests."),
        history=(story.entry(target, "Promoted", message, now),),
        notes=(*move.notes, story.promoted(message)),
        verdict=Verdict.PROMOTE,
    )


def _roll_back(seen: Observed, move: Move, target: Record, message: str, now: datetime) -> Move:
    assert move.course.stable is not None
    stable = seen.record(move.course.stable.revision)
    assert stable is not None
    return story.rolled_back(seen, move.course, stable, target, message, now)


def _current(seen: Observed, step: int) -> Reading | None:
    """The reading, unless it was taken at another step."""
    return seen.reading if seen.reading and seen.reading.step == step else None
