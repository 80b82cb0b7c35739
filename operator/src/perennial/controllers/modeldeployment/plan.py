"""A pass as data: what is applied, created and deleted, and the status that is written in the end. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from perennial.api.conditions import Condition
from perennial.api.modeldeployment_status import HistoryEntry, ModelDeploymentStatus
from perennial.controllers.findings import Telling
from perennial.controllers.modeldeployment import byhand, children, disturbed
from perennial.controllers.modeldeployment.conditions import conditions
from perennial.controllers.modeldeployment.course import course
from perennial.controllers.modeldeployment.move import Move
from perennial.controllers.modeldeployment.observed import Observed
from perennial.controllers.modeldeployment.target import Problem
from perennial.core.conditions import parse_time
from perennial.ports.kinds import Kind

HISTORY = 10
REFUSED_SECONDS = 30.0
"""How soon to look again at what a person has to mend."""
ROLLING_SECONDS = 5.0
"""How soon to look again while something is under way, should an event be missed."""
COUNTING_SECONDS = 60.0
"""The same while all that is waited for is evidence: the metrics loop tells of every change of its verdict."""


@dataclass(frozen=True)
class Plan:
    """What one pass does, in this order: ``apply``, ``create``, ``delete``, ``status``, then ``tellings``."""

    apply: tuple[tuple[Kind, dict[str, Any]], ...]
    create: tuple[tuple[Kind, dict[str, Any]], ...]
    delete: tuple[tuple[Kind, dict[str, Any]], ...]
    status: dict[str, Any]
    tellings: tuple[Telling, ...]
    verdict: str | None
    requeue_after: float | None


def plan(seen: Observed, move: Move, now: datetime, fresh_token: str) -> Plan:
    """The plan that carries out ``move``. ``fresh_token`` is used for a revision that has none in the route yet."""
    return Plan(
        apply=tuple(children.applied(seen, move, now, fresh_token)),
        create=tuple(children.created(seen, move)),
        delete=tuple(children.deleted(seen, move)),
        status=status(seen, move, now).model_dump(mode="json", by_alias=True, exclude_none=True),
        tellings=move.tellings,
        verdict=move.verdict,
        requeue_after=min(_deadlines(seen, move, now), default=None),
    )


def hindered(seen: Observed, problem: Problem, now: datetime) -> Plan:
    """What is left to do when a child cannot be written: say so, and try again later."""
    move = Move(course(seen, now), {}, stalled=problem, analysis=seen.status.analysis)
    body = status(seen, move, now).model_dump(mode="json", by_alias=True, exclude_none=True)
    # With a canary in traffic it may be a rollback that waits.
    again = ROLLING_SECONDS if seen.status.canary or course(seen, now).bakes else REFUSED_SECONDS
    return Plan((), (), (), body, (), None, again)


def status(seen: Observed, move: Move, now: datetime) -> ModelDeploymentStatus:
    """The status after ``move``."""
    gateway = seen.gateway_state
    return ModelDeploymentStatus(
        observed_generation=seen.deployment["metadata"]["generation"],
        conditions=[Condition.model_validate(each) for each in conditions(seen, move, now)],
        stable=move.course.stable,
        canary=move.course.canary,
        previous=move.course.previous,
        withdrawn=move.course.withdrawn,
        disturbances=disturbed.disturbances(seen, move.course, now),
        analysis=move.analysis,
        history=_history(seen, move),
        url=gateway.url,
        internal_url=gateway.internal_url,
    )


def _history(seen: Observed, move: Move) -> list[HistoryEntry]:
    """The newest first. A revision that is taken out again and again has one line: the others would be pushed out."""
    known = list(seen.status.history)
    again = [(each.revision, each.outcome) for each in move.history if each.outcome == "Withdrawn"]
    if known and (known[0].revision, known[0].outcome) in again:
        known.pop(0)
    return [*move.history, *known][:HISTORY]


def _only_counts(seen: Observed, move: Move) -> bool:
    """Whether the canary has its share of requests, and nothing but counting them goes on."""
    canary, analysis, progress = move.course.canary, move.analysis, move.progress
    if canary is None or analysis is None or progress is None or progress.reason != analysis.reason:
        return False
    arrived = seen.live_route.weights.get(canary.inference_service) == canary.weight
    return canary.weight > 0 and arrived and seen.gateway_state.ready


def _deadlines(seen: Observed, move: Move, now: datetime) -> Iterator[float]:
    leaving = seen.services.keys() - {record.service for record in children.live_records(seen, move)}
    waits = move.progress is not None and move.progress.reason != byhand.PAUSED
    if waits or move.course.canary or (move.stalled and move.candidate) or leaving:
        yield COUNTING_SECONDS if _only_counts(seen, move) and not leaving else ROLLING_SECONDS
    if seen.foreign or seen.strangers or not (seen.kserve_installed and seen.gateway.installed):
        # What is in the way, or missing, is not watched.
        yield REFUSED_SECONDS
    previous = move.course.previous
    ends = (previous.until, previous.bake_until) if previous else ()
    retry = move.course.withdrawn.retry_at if move.course.withdrawn and not move.course.canary else None
    for time in (*ends, retry):
        if time:
            yield max((parse_time(time) - now).total_seconds(), 1.0)
