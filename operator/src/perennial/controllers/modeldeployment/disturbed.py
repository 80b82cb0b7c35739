"""The times in which pods of the compared revisions were taken away: nobody's fault, so nothing counts in them. Pure.

They are kept in status, so that a restarted operator leaves out the same times.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from perennial.api.modeldeployment_status import Disturbance
from perennial.controllers.modeldeployment.course import Course
from perennial.controllers.modeldeployment.disruption import Disruption
from perennial.controllers.modeldeployment.observed import Observed
from perennial.core.conditions import format_time, parse_time

KEPT = 16


def compared(course: Course) -> tuple[str, ...]:
    """The revisions whose requests are compared; none while there is no comparison."""
    if course.stable and course.canary and (course.canary.weight or course.canary.mirror):
        return course.stable.revision, course.canary.revision
    if course.stable and course.previous and course.bakes and course.previous.weight:
        return course.previous.revision, course.stable.revision
    return ()


def disturbances(seen: Observed, course: Course, now: datetime) -> list[Disturbance]:
    """Those that status knows, with what the pods say now."""
    revisions = compared(course)
    if not revisions:
        return []
    began = _began(course)
    taken = (each for revision in revisions for each in _of(seen, revision))
    found = [each for each in taken if each.until is None or each.until >= began]
    known = _closed(seen.status.disturbances, any(each.until is None for each in found), now)
    for each in sorted(found, key=lambda one: one.since):
        if not any(_covers(old, each) for old in known):
            known.append(_told(each))
    return known[-KEPT:]


def _began(course: Course) -> datetime:
    """When the comparison began: pods that were evicted before are still there as records of themselves."""
    previous = course.previous
    since = course.canary.started if course.canary else previous.since if previous else None
    return parse_time(since) if since else datetime.min.replace(tzinfo=UTC)


def _of(seen: Observed, revision: str) -> Iterator[Disruption]:
    record = seen.record(revision)
    if record:
        yield from seen.health(record).disruptions


def _closed(known: Sequence[Disturbance], lasting: bool, now: datetime) -> list[Disturbance]:
    """What lasted until the last look and does not any more ended now, as far as anybody knows."""
    if lasting:
        return list(known)
    return [each if each.until else each.model_copy(update={"until": format_time(now)}) for each in known]


def _covers(known: Disturbance, found: Disruption) -> bool:
    if found.until is None:
        # One that lasts takes in all that follow until nobody is taken away any more.
        return known.until is None
    return parse_time(known.since) <= found.since and (known.until is None or parse_time(known.until) >= found.until)


def _told(found: Disruption) -> Disturbance:
    return Disturbance(since=format_time(found.since), until=format_time(found.until) if found.until else None)


def seconds(known: Sequence[Disturbance]) -> tuple[tuple[float, float], ...]:
    """(from, to) in Unix seconds, the second infinite while it lasts."""
    return tuple(
        (parse_time(each.since).timestamp(), parse_time(each.until).timestamp() if each.until else math.inf)
        for each in known
    )
