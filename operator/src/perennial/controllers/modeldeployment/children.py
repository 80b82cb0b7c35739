"""What a ModelDeployment makes, for a move. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from perennial.controllers.modeldeployment import (
    budget,
    byhand,
    capacity,
    naming,
    preflight,
    recreate,
    revision,
    runtime,
    traffic,
)
from perennial.controllers.modeldeployment.course import STABLE, course
from perennial.controllers.modeldeployment.move import Move
from perennial.controllers.modeldeployment.observed import Observed
from perennial.controllers.modeldeployment.revision import Record
from perennial.core.intent import holds
from perennial.ports.kinds import (
    CONTROLLER_REVISION,
    HTTP_ROUTE,
    INFERENCE_SERVICE,
    JOB,
    POD_DISRUPTION_BUDGET,
    SERVING_RUNTIME,
    Kind,
)

Child = tuple[Kind, dict[str, Any]]
KEPT_RECORDS = 20
"""Records of revisions beyond this many are removed, oldest first; a rollback is never forgotten."""


def applied(seen: Observed, move: Move, now: datetime, fresh_token: str) -> Iterator[Child]:
    """Objects that differ from what they should be, the route first: a rollback is a matter of the route."""
    live = {HTTP_ROUTE: {seen.name: seen.route}, SERVING_RUNTIME: seen.runtimes, INFERENCE_SERVICE: seen.services}
    live |= {CONTROLLER_REVISION: seen.revisions, POD_DISRUPTION_BUDGET: {seen.name: seen.budget}}
    for kind, intent in _intents(seen, move, now, fresh_token):
        current = live[kind].get(intent["metadata"]["name"])
        if current is None or not holds(intent, current) or _surplus(intent, current):
            yield kind, intent


def _surplus(intent: dict[str, Any], live: dict[str, Any]) -> bool:
    """Whether ``live`` still says of itself what we no longer say of it: a role that is over, for example."""
    parts = ((intent["metadata"].get(part, {}), live["metadata"].get(part, {})) for part in ("labels", "annotations"))
    return any(key.startswith(naming.PREFIX) and key not in ours for ours, theirs in parts for key in theirs)


def _intents(seen: Observed, move: Move, now: datetime, fresh_token: str) -> Iterator[Child]:
    records = live_records(seen, move)
    route = traffic.wanted(seen, move, records, now, fresh_token)
    if route:
        yield HTTP_ROUTE, route
    for record in _recorded(seen, move, now):
        yield CONTROLLER_REVISION, revision.manifest(seen.deployment, record)
    if seen.kserve_installed:
        for record in records:
            yield from _servers(seen, record, capacity.pods(seen, move.course, record))
    if budget.needed(seen.spec.serving.replicas) and records:
        yield POD_DISRUPTION_BUDGET, budget.manifest(seen.deployment)


def live_records(seen: Observed, move: Move) -> list[Record]:
    """The revisions that have pods after this move: those with a role, and the candidate."""
    known = [seen.record(each.revision) for each in _roles(move) if each]
    records = {record.revision: record for record in (*known, move.candidate) if record}
    down = recreate.down(seen, move.course)
    return [record for record in records.values() if record.service not in down]


def _roles(move: Move) -> tuple[Any, ...]:
    return (move.course.stable, move.course.canary, move.course.previous)


def _recorded(seen: Observed, move: Move, now: datetime) -> Iterator[Record]:
    """All records as they should be, the target's included: role and outcome as labels, what people said of them."""
    roles = course(seen, now)
    ended: dict[str, tuple[str, str]] = {
        each.revision: (each.outcome, each.message) for each in reversed(seen.status.history)
    }
    known = {record.revision: record for record in (*seen.records, *([move.target] if move.target else []))}
    for record in known.values():
        role = roles.role(record.revision)
        outcome, message = move.outcomes.get(record.revision) or _outcome(seen, record, ended)
        record = replace(record, role=role, outcome=outcome, message=message)
        yield byhand.marked(seen, record, target=_is(record, move.target), serves=role == STABLE)


def _outcome(seen: Observed, record: Record, ended: Mapping[str, tuple[str, str]]) -> tuple[str, str]:
    """A rollback is recorded before the history tells of it, and taken back by people only: the record knows best."""
    found = ended.get(record.revision, (record.outcome, record.message))
    knows = record.service in seen.revisions and revision.ROLLED_BACK in (found[0], record.outcome)
    return (record.outcome, record.message) if knows else found


def _is(record: Record, other: Record | None) -> bool:
    return other is not None and record.revision == other.revision


def _servers(seen: Observed, record: Record, pods: int) -> Iterator[Child]:
    labels = {
        naming.VERSION_LABEL: str(record.version),
        naming.REVISION_LABEL: record.revision,
        naming.COMPONENT_LABEL: naming.SERVER,
    }
    yield SERVING_RUNTIME, runtime.serving_runtime(seen.deployment, record.service, labels, record.runtime)
    yield (
        INFERENCE_SERVICE,
        runtime.inference_service(seen.deployment, record.service, labels, record.runtime, record.storage_uri, pods),
    )


def created(seen: Observed, move: Move) -> Iterator[Child]:
    """The preflight Job, when it is time for it. Jobs are created once and never changed."""
    url = seen.gateway_state.internal_url
    if move.preflight is None or url is None:
        return
    token = seen.live_route.tokens[move.preflight.service]
    host = seen.spec.router.hostname
    yield JOB, preflight.job(seen.deployment, move.preflight, seen.default_image, url, host, token)


def deleted(seen: Observed, move: Move) -> Iterator[Child]:
    """What no revision needs any more. A revision's servers go only once the gateway has let go of them."""
    records = live_records(seen, move)
    kept = {record.service for record in records}
    if seen.route and traffic.useless(seen, move, records):
        yield HTTP_ROUTE, seen.route
    if seen.budget and not (budget.needed(seen.spec.serving.replicas) and records):
        yield POD_DISRUPTION_BUDGET, seen.budget
    settled = seen.route is None or seen.gateway_state.ready
    routed = seen.live_route.services | (set() if settled else set(seen.services))
    for kind, objects in ((INFERENCE_SERVICE, seen.services), (SERVING_RUNTIME, seen.runtimes)):
        yield from ((kind, obj) for name, obj in objects.items() if name not in kept | routed)
    yield from ((JOB, job) for job in _old_jobs(seen, move))
    yield from _old_records(seen, kept, move)


def _old_jobs(seen: Observed, move: Move) -> Iterator[dict[str, Any]]:
    """Preflight Jobs of revisions that are no longer on their way."""
    current = {naming.preflight_name(seen.name, move.candidate.revision)} if move.candidate else set()
    for name, job in seen.jobs.items():
        if name not in current:
            yield job


def _old_records(seen: Observed, kept: set[str], move: Move) -> Iterator[Child]:
    target = move.target.service if move.target else ""
    spare = [
        each
        for each in seen.records
        if each.service not in kept | {target}
        and each.outcome != revision.ROLLED_BACK
        and not byhand.needed(seen, each)
    ]
    for record in sorted(spare, key=lambda each: each.ordinal)[: max(0, len(seen.records) - KEPT_RECORDS)]:
        obj: Mapping[str, Any] | None = seen.revisions.get(record.service)
        if obj is not None:
            yield CONTROLLER_REVISION, dict(obj)
