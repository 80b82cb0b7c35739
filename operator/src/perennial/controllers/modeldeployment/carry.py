"""A plan's changes to the cluster, up to the first thing that is in the way. The only writer of children."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from perennial.api.modeldeployment import CHILD_REFUSED
from perennial.controllers.jobs.text import refusal
from perennial.controllers.labels import is_owned
from perennial.controllers.modeldeployment.observed import Observed
from perennial.controllers.modeldeployment.plan import Plan
from perennial.controllers.modeldeployment.target import Problem, taken
from perennial.ports.kinds import (
    CONTROLLER_REVISION,
    HTTP_ROUTE,
    INFERENCE_SERVICE,
    POD_DISRUPTION_BUDGET,
    SERVING_RUNTIME,
    Kind,
)
from perennial.ports.kube import AlreadyExists, Forbidden, Invalid, Kube, WebhookUnavailable

Child = dict[str, Any]


async def carry_out(
    kube: Kube, manager: str, seen: Observed, todo: Plan, routing: Callable[[], None]
) -> Problem | None:
    """Apply, create and delete what ``todo`` says; a refusal or a taken name ends it and is what is returned.

    ``routing`` is called just before the route is written. Raises KubeError for what another try may mend.
    """
    for kind, obj in todo.apply:
        if kind is HTTP_ROUTE:
            routing()
        problem = await _tried(kind, obj, _apply(kube, manager, seen, kind, obj))
        if problem:
            return problem
    for kind, obj in todo.create:
        problem = await _tried(kind, obj, _create(kube, seen, kind, obj))
        if problem:
            return problem
    for kind, obj in todo.delete:
        problem = await _tried(kind, obj, kube.delete(kind, obj))
        if problem:
            return problem
    return None


async def _tried(kind: Kind, obj: Child, write: Awaitable[Problem | None]) -> Problem | None:
    try:
        return await write
    except (Invalid, Forbidden, WebhookUnavailable) as error:
        words = refusal(str(error))
        message = f"The cluster refuses {_name(kind, obj)}: {words} Mend what it names; it is tried again."
        return Problem(CHILD_REFUSED, message)


async def _apply(kube: Kube, manager: str, seen: Observed, kind: Kind, obj: Child) -> Problem | None:
    if obj["metadata"]["name"] not in _known(seen, kind):
        # A forced apply would take over whatever has the name.
        problem = await _taken(kube, seen, kind, obj)
        if problem:
            return problem
    await kube.apply(kind, _guarded(seen, obj) if kind is CONTROLLER_REVISION else obj, manager=manager)
    return None


def _guarded(seen: Observed, record: Child) -> Child:
    """Refused if the record is not as it was read: what it remembers was decided on that."""
    live = seen.revisions.get(record["metadata"]["name"])
    if live is None:
        return record
    return {**record, "metadata": {**record["metadata"], "resourceVersion": live["metadata"]["resourceVersion"]}}


def _known(seen: Observed, kind: Kind) -> Mapping[str, Child]:
    ours = {CONTROLLER_REVISION: seen.revisions, SERVING_RUNTIME: seen.runtimes, INFERENCE_SERVICE: seen.services}
    single = seen.budget if kind is POD_DISRUPTION_BUDGET else seen.route
    return ours.get(kind, {seen.name: single} if single else {})


async def _create(kube: Kube, seen: Observed, kind: Kind, obj: Child) -> Problem | None:
    try:
        await kube.create(kind, obj)
    except AlreadyExists:
        return await _taken(kube, seen, kind, obj)
    return None


async def _taken(kube: Kube, seen: Observed, kind: Kind, obj: Child) -> Problem | None:
    live = await kube.get(kind, seen.namespace, obj["metadata"]["name"])
    if live is None or is_owned(live, seen.deployment["metadata"]["uid"]):
        return None
    return taken(_name(kind, obj))


def _name(kind: Kind, obj: Child) -> str:
    return f"{kind.kind} {obj['metadata']['name']}"
