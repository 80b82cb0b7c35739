"""Going back: at once to the previous revision while it is kept ready, else by a rollout to an earlier one. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from perennial.api.modeldeployment_status import HistoryEntry, PreviousStatus
from perennial.controllers.findings import Telling
from perennial.controllers.modeldeployment import byhand, canary, story
from perennial.controllers.modeldeployment.course import Course, replaced, revision_status
from perennial.controllers.modeldeployment.move import Move
from perennial.controllers.modeldeployment.observed import Observed
from perennial.controllers.modeldeployment.revision import ROLLED_BACK, Record
from perennial.controllers.modeldeployment.target import Problem
from perennial.rollout import HoldReason, Verdict

PROVEN = ("Deployed", "Promoted")
"""Outcomes of revisions that have served all users."""


def proceed(seen: Observed, course: Course, stable: Record, target: Record, now: datetime) -> Move | None:
    """The next move back, if somebody asks for it: by ``spec.version`` (or an approval), or by ``rollout.promote``."""
    wanted = _by_hand(seen, course, stable, target)
    previous = course.previous
    if wanted is None and previous and target.revision == previous.revision:
        wanted = target
    if wanted is None or canary.ended(seen, wanted):
        return None
    undone = _undone(stable, wanted, target)
    if previous and previous.revision == wanted.revision:
        return _at_once(seen, course, stable, wanted, undone, now)
    if course.canary and course.canary.revision != wanted.revision:
        return None
    move = canary.proceed(seen, course, stable, wanted, now)
    return replace(move, outcomes={**move.outcomes, **undone}) if move.verdict is Verdict.PROMOTE else move


def _by_hand(seen: Observed, course: Course, stable: Record, target: Record) -> Record | None:
    """The earlier revision that a person promotes; the wanted one is promoted like any other canary."""
    record = seen.record(seen.spec.rollout.promote or "")
    if record is None or record.revision in (stable.revision, target.revision) or not byhand.promotes(seen, record):
        return None
    if course.previous and course.previous.revision == record.revision:
        return record
    return record if record.outcome in PROVEN and byhand.may_serve(seen, record) else None


def _undone(stable: Record, wanted: Record, target: Record) -> dict[str, tuple[str, str]]:
    """What is remembered of the revision that serves: if the spec still asks for it, it is not tried again."""
    if wanted.revision == target.revision or stable.revision != target.revision:
        return {}
    message = f"Version {stable.version} was undone by hand: spec.rollout.promote names version {wanted.version}."
    return {stable.revision: (ROLLED_BACK, message)}


def _at_once(
    seen: Observed, course: Course, stable: Record, old: Record, undone: dict[str, tuple[str, str]], now: datetime
) -> Move:
    """One write of the route: the previous revision is ready and has served all users before."""
    if not seen.health(old).serves:
        message = f"Version {old.version} is to serve again; no pod of it is ready ({seen.health(old).waiting})."
        return Move(course, story.weights(course), old, progress=Problem(HoldReason.STABLE_NOT_READY, message))
    leaving = seen.record(course.canary.revision) if course.canary else None
    message = f"Version {old.version} serves again instead of version {stable.version}, put back by hand."
    weights = {old.service: 100, stable.service: 0, **({leaving.service: 0} if leaving else {})}
    return Move(
        course=Course(stable=revision_status(old), previous=None if undone else _kept(seen, stable, now)),
        weights=weights,
        target=old,
        candidate=leaving or stable,
        outcomes=undone,
        progress=story.takes_over(old, 100),
        analysis=story.final(seen, Verdict.PROMOTE, message, now),
        history=(story.entry(old, "Promoted", message, now), *_ended(leaving, message, now)),
        tellings=(Telling(False, "PutBack", "PutBack", message),),
        verdict=Verdict.PROMOTE,
    )


def _kept(seen: Observed, stable: Record, now: datetime) -> PreviousStatus:
    """What served until now stays ready: going forward again is one write, too."""
    return replaced(revision_status(stable), seen, now)


def _ended(leaving: Record | None, why: str, now: datetime) -> tuple[HistoryEntry, ...]:
    return (story.entry(leaving, "Superseded", why, now),) if leaving else ()
