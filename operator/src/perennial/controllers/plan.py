"""What a pass decided, and how it is carried out: create, or write the status, then tell, then clean up."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeVar

from perennial.controllers.findings import Telling
from perennial.core.events import EventRecorder
from perennial.core.status import write_status
from perennial.ports.kinds import JOB, Kind
from perennial.ports.kube import AlreadyExists, Forbidden, Invalid, Kube, Object, WebhookUnavailable

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Creation:
    """A child to make. It is made once and never written again."""

    kind: Kind
    body: Object


@dataclass(frozen=True)
class Plan:
    """The decision of one pass.

    While `create` is there, the world is looked at again after it, and `status` is what to say if that cannot be
    done now. `record` is made once the status is written. `delete_jobs` goes last: what they had to say is kept by
    then.
    """

    status: dict[str, Any]
    create: Creation | None = None
    tellings: tuple[Telling, ...] = ()
    record: Creation | None = None
    delete_jobs: tuple[Object, ...] = ()
    requeue_after: float | None = None


Seen = TypeVar("Seen")
# A Job, then a version, then the status; the rest is for others that take a name first.
LOOKS = 8


async def look_and_act(
    kube: Kube,
    look: Callable[[], Awaitable[Seen | None]],
    decide: Callable[[Seen], Plan],
    refused: Callable[[Seen, Creation, str], Plan],
    looks: int = LOOKS,
) -> tuple[Seen, Plan] | None:
    """Create what is missing and look again, until the plan is only to say what there is.

    So a status tells of what is, not of what was ordered, and a crash after a creation is an ordinary look. Returns
    the last look and its plan, or None when the object is gone.
    """
    seen = await look()
    if seen is None:
        return None
    plan = decide(seen)
    if plan.create is None:
        return seen, plan
    words = await create(kube, plan.create)
    if words is not None:
        return seen, refused(seen, plan.create, words)
    if looks <= 1:
        return seen, plan
    return await look_and_act(kube, look, decide, refused, looks - 1)


async def create(kube: Kube, creation: Creation) -> str | None:
    """Make the child; the apiserver's words if it refuses, None if there is an object of that name now.

    Whose it is tells the next look: this operator may have made it and crashed before it learned so.
    """
    try:
        await kube.create(creation.kind, creation.body)
    except AlreadyExists:
        return None
    except (Forbidden, Invalid, WebhookUnavailable) as refusal:
        return str(refusal)
    return None


class Told(Protocol):
    """A status, and what to tell once it is written."""

    @property
    def status(self) -> dict[str, Any]: ...

    @property
    def tellings(self) -> tuple[Telling, ...]: ...


async def write_and_tell(kube: Kube, kind: Kind, manager: str, events: EventRecorder, obj: Object, told: Told) -> bool:
    """Write the status if it differs, and tell of it only then; say whether it was written."""
    if not await write_status(kube, kind, obj, told.status, manager):
        return False
    for each in told.tellings:
        event_type: Literal["Normal", "Warning"] = "Warning" if each.warning else "Normal"
        await events.emit(obj, kind, type=event_type, reason=each.reason, action=each.action, note=each.note)
    return True


async def settle(kube: Kube, kind: Kind, manager: str, events: EventRecorder, obj: Object, plan: Plan) -> None:
    """Write the status and tell of it, keep the record, then remove Jobs that are no longer needed."""
    await write_and_tell(kube, kind, manager, events, obj, plan)
    words = await create(kube, plan.record) if plan.record is not None else None
    if words is not None:
        # Until there is a record, the Job is one: it stays.
        log.warning("the end of %s is not recorded: %s", obj["metadata"]["name"], words)
        return
    for job in plan.delete_jobs:
        await kube.delete(JOB, job)
