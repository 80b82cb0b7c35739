"""Whether a revision may get users' requests: its pods are ready, the gateway reaches it, and its golden rows pass."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from perennial.api.modeldeployment import GATEWAY_NOT_READY, PREFLIGHT, PREPARING
from perennial.controllers.modeldeployment.observed import Observed
from perennial.controllers.modeldeployment.revision import Record
from perennial.controllers.modeldeployment.target import Problem
from perennial.core.conditions import parse_time


@dataclass(frozen=True)
class Readiness:
    """``reason`` and ``message`` say what is waited for, or what failed. ``preflight`` asks for the Job.

    Unlucky: it failed for what is not the model's fault, and may be tried again.
    """

    state: Literal["Ready", "Waiting", "Failed", "Unlucky"]
    reason: str = ""
    message: str = ""
    preflight: bool = False
    stuck: bool = False
    """A part is missing: nothing will change by waiting."""

    @property
    def progress(self) -> Problem | None:
        """What is waited for."""
        return None if self.stuck else Problem(self.reason, self.message)

    @property
    def stalled(self) -> Problem | None:
        """What a person has to mend before it goes on."""
        return Problem(self.reason, self.message) if self.stuck else None


READY = Readiness("Ready")


def readiness(seen: Observed, record: Record, now: datetime, pods: int) -> Readiness:
    """How far ``record`` is on its way to users' requests, for which it needs so many ready ``pods``."""
    name = f"Version {record.version}"
    found = seen.health(record)
    if found.failure:
        return Readiness("Failed", PREPARING, f"{name} failed before it got any request: {found.failure}.")
    if found.ready < pods:
        tried = seen.preflight(record).state in ("Passed", "Failed", "Unanswered")
        if not tried and _unready_for(seen, record, now) > seen.spec.serving.ready_deadline_seconds:
            limit = seen.spec.serving.ready_deadline_seconds
            message = f"{name} was not ready within {limit} s: {found.lost or found.waiting}."
            return Readiness("Unlucky" if found.lost else "Failed", PREPARING, message)
        return Readiness("Waiting", PREPARING, f"{name} is starting: {found.waiting}.")
    state = seen.gateway_state
    if record.service not in seen.live_route.tokens or not state.ready:
        if state.status == "False":
            return Readiness("Waiting", state.reason, f"{name} is ready, but: {state.message}", stuck=True)
        return Readiness("Waiting", PREPARING, f"{name} is ready; the gateway has not taken its route yet.")
    if state.internal_url is None:
        lacking = "its Gateway has no Service with an HTTP listener, which the preflight asks through; add one."
        return Readiness("Waiting", GATEWAY_NOT_READY, f"{name} is ready, but {lacking}", stuck=True)
    return _preflight(seen, record, name)


def _preflight(seen: Observed, record: Record, name: str) -> Readiness:
    result = seen.preflight(record)
    if result.state == "Passed":
        return READY
    if result.state == "Failed":
        return Readiness("Failed", PREFLIGHT, f"{name} did not pass its preflight: {result.message.rstrip('.')}.")
    if result.state == "Unanswered":
        message = f"The preflight of version {record.version} came to no answer: {result.message.rstrip('.')}."
        return Readiness("Unlucky", PREFLIGHT, message)
    return Readiness(
        "Waiting",
        PREFLIGHT,
        f"{name} answers its golden rows through the gateway, before any user's request.",
        preflight=result.state == "Absent",
    )


def _unready_for(seen: Observed, record: Record, now: datetime) -> float:
    """Seconds since the revision could last be expected to start: a pod that had to move gets its time anew."""
    service = seen.services.get(record.service)
    if service is None:
        return 0.0
    since = max(map(parse_time, [service["metadata"]["creationTimestamp"], *seen.health(record).changes]))
    return (now - since).total_seconds()
