"""The policy of a canary that gets users' requests: step forward on evidence, promote, roll back. Pure."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import datetime

from perennial.controllers.modeldeployment import byhand, story, ways, withdrawing
from perennial.controllers.modeldeployment.course import Course, replaced, revision_status
from perennial.controllers.modeldeployment.move import Move
from perennial.controllers.modeldeployment.observed import Observed
from perennial.controllers.modeldeployment.revision import Record
from perennial.controllers.modeldeployment.target import Problem
from perennial.core.analysis_types import Reading
from perennial.core.conditions import format_time, parse_time
from perennial.rollout import HoldReason, Verdict


def proceed(seen: Observed, move: Move, stable: Record, target: Record, now: datetime) -> Move:
    """The next move of a canary that gets users' requests."""
    canary = move.course.canary
    assert canary is not None
    failure = seen.health(target).failure
    if failure:
        return story.rolled_back(seen, move.course, stable, target, f"Version {target.version} failed: {failure}.", now)
    lost = seen.health(target).lost_since(parse_time(canary.since))
    if lost:
        why = f"Version {target.version} lost its pods: {lost}."
        return withdrawing.withdraw(seen, move.course, stable, target, why, now)
    reading = current(seen, canary.step)
    move = replace(move, analysis=story.analysis(seen, reading, now))
    if byhand.promotes(seen, target):
        return promote_by_hand(seen, move, stable, target, now)
    lacking = stable_lacks(seen, stable, target)
    if lacking:
        return replace(move, progress=lacking)
    if reading is not None and reading.verdict is Verdict.ROLL_BACK:
        return story.rolled_back(seen, move.course, stable, target, reading.message, now)
    if reading is not None and reading.verdict is Verdict.WITHDRAW:
        return withdrawing.withdraw(seen, move.course, stable, target, reading.message, now)
    if seen.spec.paused:
        return replace(move, progress=byhand.stays(canary))
    if reading is None or reading.verdict not in (Verdict.ADVANCE, Verdict.PROMOTE):
        waiting = f"Version {target.version} gets {canary.weight} % of requests, which are being counted."
        return replace(move, progress=told(move, HoldReason.INSUFFICIENT_EVIDENCE, waiting))
    return _forward(seen, move, stable, target, reading, now)


def told(move: Move, reason: HoldReason, message: str) -> Problem:
    """Why the canary waits, as the analysis in status says it: its numbers change too often to be written each time."""
    if move.analysis and move.analysis.verdict == Verdict.HOLD:
        return Problem(move.analysis.reason, move.analysis.message)
    return Problem(reason, message)


def stable_lacks(seen: Observed, stable: Record, target: Record) -> Problem | None:
    """No request is moved in either direction while stable has no pod to go back to."""
    if seen.health(stable).serves or not seen.health(target).serves:
        return None
    return Problem(
        HoldReason.STABLE_NOT_READY,
        f"No pod of version {stable.version} is ready ({seen.health(stable).waiting}), so no request is moved.",
    )


def _forward(seen: Observed, move: Move, stable: Record, target: Record, reading: Reading, now: datetime) -> Move:
    canary = move.course.canary
    assert canary is not None
    step = canary.step + 1
    steps = ways.steps(seen.spec)
    last = step >= len(steps)
    lacking = _lacking_capacity(seen, stable, target, 100 - ways.holdback(seen.spec) if last else steps[step].weight)
    if lacking:
        return replace(move, progress=lacking)
    if last:
        return _promote(seen, move, stable, target, story.promotion(stable, target, reading), now)
    return enter(seen, move, target, step, now)


def _lacking_capacity(seen: Observed, stable: Record, target: Record, weight: int) -> Problem | None:
    """Capacity comes before weight, so that a step never overloads the canary."""
    ready = seen.health(target).ready
    needed = max(1, math.ceil(weight / 100 * seen.health(stable).ready))
    if ready >= needed:
        return None
    return Problem(
        HoldReason.CAPACITY_NOT_READY, f"{weight} % needs {needed} ready pods of version {target.version}; {ready} are."
    )


def enter(seen: Observed, move: Move, target: Record, step: int, now: datetime) -> Move:
    """To ``step``, in status; the route follows in the next pass."""
    steps = ways.steps(seen.spec)
    canary = move.course.canary
    assert canary is not None
    step = min(step, len(steps) - 1)
    stepped = canary.model_copy(update={"step": step, "weight": steps[step].weight, "since": format_time(now)})
    return replace(
        move,
        course=replace(move.course, canary=stepped),
        progress=story.stepping(target, steps[step].weight),
        tellings=(*move.tellings, story.stepped(target, steps[step].weight)),
        verdict=Verdict.ADVANCE,
    )


def promote_by_hand(seen: Observed, move: Move, stable: Record, target: Record, now: datetime) -> Move:
    """A person answers for it: nothing but capacity is waited for, not even for a pod of stable."""
    lacking = _lacking_capacity(seen, stable, target, 100)
    if lacking:
        return replace(move, progress=lacking)
    message = story.promotion_by_hand(stable, target)
    move = replace(move, analysis=story.final(seen, Verdict.PROMOTE, message, now))
    return _promote(seen, move, stable, target, message, now)


def _promote(seen: Observed, move: Move, stable: Record, target: Record, message: str, now: datetime) -> Move:
    canary = move.course.canary
    held = ways.holdback(seen.spec) if seen.health(stable).serves else 0
    started = canary.started if canary else None
    previous = replaced(revision_status(stable), seen, now, weight=held, started=started, bakes=True)
    return replace(
        move,
        course=Course(stable=revision_status(target), previous=previous),
        progress=story.takes_over(target, 100 - held),
        history=(story.entry(target, "Promoted", message, now),),
        tellings=(*move.tellings, story.promoted(message)),
        verdict=Verdict.PROMOTE,
    )


def current(seen: Observed, step: int) -> Reading | None:
    """The reading, unless it was taken at another step."""
    return seen.reading if seen.reading and seen.reading.step == step else None
