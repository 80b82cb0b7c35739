"""The policy of a canary that gets users' requests: step forward on evidence, promote, roll back. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from perennial.controllers.modeldeployment import byhand, entering, promoting, story, ways, withdrawing
from perennial.controllers.modeldeployment.move import Move
from perennial.controllers.modeldeployment.observed import Observed
from perennial.controllers.modeldeployment.revision import Record
from perennial.controllers.modeldeployment.target import Problem
from perennial.core.analysis_types import Reading
from perennial.core.conditions import parse_time
from perennial.rollout import HoldReason, Verdict


def proceed(seen: Observed, move: Move, stable: Record, target: Record, now: datetime) -> Move:
    """The next move of a canary that gets users' requests, or copies of them."""
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
        return promoting.by_hand(seen, move, stable, target, now)
    lacking = stable_lacks(seen, stable, target)
    if lacking:
        return replace(move, progress=lacking)
    if reading is not None and reading.verdict is Verdict.ROLL_BACK:
        return story.rolled_back(seen, move.course, stable, target, reading.message, now)
    if reading is not None and reading.verdict is Verdict.WITHDRAW:
        return withdrawing.withdraw(seen, move.course, stable, target, reading.message, now)
    if seen.spec.paused:
        return replace(move, progress=byhand.stays(canary))
    return _onward(seen, move, stable, target, reading, now)


def _onward(seen: Observed, move: Move, stable: Record, target: Record, reading: Reading | None, now: datetime) -> Move:
    canary = move.course.canary
    assert canary is not None
    hand = ways.hand_weight(seen.spec)
    if hand is not None or not ways.suits(seen.spec, canary):
        return entering.enter(seen, move, stable, target, canary.step, now)
    if ways.strategy(seen.spec).blue_green:
        return promoting.after_preview(seen, move, stable, target, now)
    if reading is not None and reading.reason == HoldReason.TIME_CAP_REACHED:
        return _inconclusive(seen, move, stable, target, reading, now)
    if reading is None or reading.verdict not in (Verdict.ADVANCE, Verdict.PROMOTE):
        waiting = f"Version {target.version} {story.share(canary)}, which are being counted."
        return replace(move, progress=told(move, HoldReason.INSUFFICIENT_EVIDENCE, waiting))
    if ways.gated(seen.spec, canary.step) and not byhand.opened(seen, canary):
        return replace(move, progress=byhand.gate(canary))
    if canary.step + 1 >= len(ways.steps(seen.spec)):
        return promoting.on_evidence(seen, move, stable, target, reading, now)
    return entering.enter(seen, move, stable, target, canary.step + 1, now)


def _inconclusive(seen: Observed, move: Move, stable: Record, target: Record, reading: Reading, now: datetime) -> Move:
    """Nothing was decided in the time that there is: what then happens is the user's choice."""
    canary, choice = move.course.canary, seen.spec.analysis.on_inconclusive
    assert canary is not None
    limit = f"undecided after analysis.maxDurationSeconds ({seen.spec.analysis.max_duration_seconds} s)"
    if choice == "RollBack":
        message = f"Version {target.version} was {limit}, and analysis.onInconclusive is RollBack: {reading.message}"
        return story.rolled_back(seen, move.course, stable, target, message, now)
    if choice == "Hold":
        return replace(move, progress=told(move, HoldReason.TIME_CAP_REACHED, reading.message))
    if ways.gated(seen.spec, canary.step) and not byhand.opened(seen, canary):
        return replace(move, progress=byhand.gate(canary))
    return promoting.though(seen, move, stable, target, f"{limit}, and analysis.onInconclusive is Promote", now)


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


def current(seen: Observed, step: int) -> Reading | None:
    """The reading, unless it was taken at another step."""
    return seen.reading if seen.reading and seen.reading.step == step else None
