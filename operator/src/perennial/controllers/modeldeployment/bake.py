"""After a promotion: the old revision keeps a share to compare with, then none, then it goes. Pure.

While it bakes, a promoted revision that turns out bad is rolled back in one write of the route.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from perennial.api.modeldeployment_status import PreviousStatus
from perennial.controllers.findings import Telling
from perennial.controllers.modeldeployment import story, ways, withdrawing
from perennial.controllers.modeldeployment.course import Course, revision_status
from perennial.controllers.modeldeployment.move import Move
from perennial.controllers.modeldeployment.observed import Observed
from perennial.controllers.modeldeployment.revision import ROLLED_BACK, Record
from perennial.controllers.modeldeployment.target import Problem
from perennial.core.analysis_types import Reading
from perennial.core.conditions import parse_time
from perennial.rollout import HoldReason, Verdict


def timed(seen: Observed, course: Course, now: datetime) -> Course:
    """The course after what time alone changes, and without a share for an old revision that has no pod for it."""
    previous = course.previous
    if previous is None:
        return course
    if parse_time(previous.until) <= now:
        return replace(course, previous=None)
    if previous.bake_until and parse_time(previous.bake_until) <= now:
        previous = cut(previous)
    elif previous.weight and not _serves(seen, previous.revision):
        previous = previous.model_copy(update={"weight": 0})
    return replace(course, previous=previous)


def cut(previous: PreviousStatus) -> PreviousStatus:
    """The same without a bake: kept ready, without requests."""
    return previous.model_copy(update={"weight": 0, "bake_until": None})


def _serves(seen: Observed, revision: str) -> bool:
    record = seen.record(revision)
    return record is not None and seen.health(record).serves


def broken(seen: Observed, course: Course, now: datetime) -> Move | None:
    """The move back to the old revision, if the promoted one turned out bad; None if nothing says so."""
    if course.stable is None or course.previous is None or course.canary:
        return None
    bad, old = seen.record(course.stable.revision), seen.record(course.previous.revision)
    if bad is None or old is None:
        return None
    # The route knows it first: the operator may have ended before it could record what it did there.
    why = seen.live_route.rolled_back.get(bad.revision) or (bad.message if bad.outcome == ROLLED_BACK else None)
    if why is None and not course.bakes:
        return None
    why = why or _why(seen, bad)
    lost = seen.health(bad).lost_since(parse_time(course.previous.since or course.previous.until))
    if why is None and lost is None:
        return None
    if not seen.health(old).serves:
        return _stuck(seen, course, bad, old) if why else None
    back = Course(stable=revision_status(old), withdrawn=course.withdrawn)
    if why:
        move = story.rolled_back(seen, back, old, bad, why, now)
    else:
        move = withdrawing.withdraw(seen, back, old, bad, f"Version {bad.version} lost its pods: {lost}.", now)
    return replace(move, weights={old.service: 100, bad.service: 0})


def _why(seen: Observed, bad: Record) -> str | None:
    failure = seen.health(bad).failure
    if failure:
        return f"Version {bad.version} failed after its promotion: {failure}."
    reading = judged(seen)
    return reading.message if reading and reading.verdict is Verdict.ROLL_BACK else None


def judged(seen: Observed) -> Reading | None:
    """The reading of the bake, if there is one."""
    reading = seen.reading
    return reading if reading and reading.step == len(ways.steps(seen.spec)) else None


def _stuck(seen: Observed, course: Course, bad: Record, old: Record) -> Move:
    waiting = seen.health(old).waiting
    message = f"Version {bad.version} is to be rolled back, but no pod of version {old.version} is ready: {waiting}."
    return Move(
        course,
        story.weights(course),
        bad,
        progress=Problem(HoldReason.STABLE_NOT_READY, message),
        analysis=seen.status.analysis,
    )


def told(seen: Observed, move: Move, now: datetime) -> Move:
    """The move, with the end of a bake that found nothing."""
    stable, before = seen.status.stable, seen.status.previous
    if before is None or before.bake_until is None or parse_time(before.bake_until) > now or stable is None:
        return move
    if move.course.stable is None or move.course.stable.revision != stable.revision or move.course.canary:
        return move
    message = f"Version {stable.version} stays: nothing was found against it since version {before.version} gave way."
    final = story.final(seen, Verdict.PROMOTE, message, now)
    return replace(move, analysis=final, tellings=(Telling(False, "Baked", "Bake", message), *move.tellings))
