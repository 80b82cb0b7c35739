"""Taking a canary out for what is not its fault: weight 0, nothing remembered against it, tried again later. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from perennial.api.modeldeployment import WITHDRAWN
from perennial.api.modeldeployment_status import WithdrawnStatus
from perennial.controllers.findings import Telling
from perennial.controllers.modeldeployment import byhand, story
from perennial.controllers.modeldeployment.course import Course, revision_status
from perennial.controllers.modeldeployment.move import Move
from perennial.controllers.modeldeployment.observed import Observed
from perennial.controllers.modeldeployment.revision import Record
from perennial.controllers.modeldeployment.target import Problem
from perennial.core.conditions import format_time, parse_time
from perennial.rollout import Verdict

FIRST_WAIT_SECONDS = 30
LONGEST_WAIT_SECONDS = 1800


def withdraw(seen: Observed, course: Course, stable: Record, target: Record, why: str, now: datetime) -> Move:
    """The move that takes ``target`` out: the route first, then the status, which says when it is tried again."""
    waiting = _withdrawn(course, target, why, now)
    message = f"{why[:700].rstrip('.')}. {_held_against_nobody(stable, target, waiting)}"
    over = replace(course, canary=None, withdrawn=waiting)
    return Move(
        course=over,
        weights=story.weights(course, canary=0),
        target=target,
        # Its keeper rule stays until the gateway has taken the weight of 0.
        candidate=target,
        progress=Problem(WITHDRAWN, message),
        analysis=story.final(seen, Verdict.WITHDRAW, message, now),
        history=(story.entry(target, "Withdrawn", message, now),),
        tellings=(Telling(True, WITHDRAWN, "Withdraw", message),),
        verdict=Verdict.WITHDRAW,
    )


def _withdrawn(course: Course, target: Record, why: str, now: datetime) -> WithdrawnStatus:
    before = course.withdrawn
    times = 1 + (before.times if before and before.revision == target.revision else 0)
    wait = min(FIRST_WAIT_SECONDS * 2 ** min(times - 1, 16), LONGEST_WAIT_SECONDS)
    at = format_time(now + timedelta(seconds=wait))
    named = revision_status(target).model_dump()
    return WithdrawnStatus(**named, times=times, retry_at=at, message=why[:700])


def _held_against_nobody(stable: Record, target: Record, waiting: WithdrawnStatus) -> str:
    return (
        f"That is not held against it: version {stable.version} serves all requests, and version {target.version} is"
        f" tried again at {waiting.retry_at}."
    )


def waits(seen: Observed, move: Move, stable: Record, target: Record, now: datetime) -> Move | None:
    """The move while ``target`` waits to be tried again; None once it may begin. A person's promotion ends the wait."""
    waiting = move.course.withdrawn
    if waiting is None or move.course.canary or waiting.revision != target.revision:
        return None
    if parse_time(waiting.retry_at) > now and not byhand.promotes(seen, target):
        message = f"{waiting.message.rstrip('.')}. {_held_against_nobody(stable, target, waiting)}"
        return replace(move, progress=Problem(WITHDRAWN, message), analysis=seen.status.analysis)
    if byhand.remains(seen, move.course, target):
        message = f"Version {target.version} is tried again as soon as nothing is left of its last try."
        return replace(move, progress=Problem(WITHDRAWN, message), analysis=seen.status.analysis)
    return None


def still_wanted(course: Course, target: Record) -> Course:
    """The course without the memory of another revision than the one that is wanted."""
    if course.withdrawn and course.withdrawn.revision != target.revision:
        return replace(course, withdrawn=None)
    return course
