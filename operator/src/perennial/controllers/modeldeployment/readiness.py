"""Whether a revision may get users' requests: its pods are ready, the gateway reaches it, and its golden rows pass."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from perennial.api.modeldeployment import PREFLIGHT, PREPARING
from perennial.controllers.modeldeployment.observed import Observed
from perennial.controllers.modeldeployment.revision import Record
from perennial.core.conditions import parse_time


@dataclass(frozen=True)
class Readiness:
    """``reason`` and ``message`` say what is waited for, or what failed. ``preflight`` asks for the Job."""

    state: Literal["Ready", "Waiting", "Failed"]
    reason: str = ""
    message: str = ""
    preflight: bool = False


READY = Readiness("Ready")


def readiness(seen: Observed, record: Record, now: datetime) -> Readiness:
    """How far ``record`` is on its way to users' requests."""
    name = f"Version {record.version}"
    found = seen.health(record)
    if found.failure:
        return Readiness("Failed", PREPARING, f"{name} failed before it got any request: {found.failure}.")
    if found.ready < seen.spec.serving.replicas:
        if _age(seen, record, now) > seen.spec.serving.ready_deadline_seconds:
            limit = seen.spec.serving.ready_deadline_seconds
            return Readiness("Failed", PREPARING, f"{name} was not ready within {limit} s: {found.waiting}.")
        return Readiness("Waiting", PREPARING, f"{name} is starting: {found.waiting}.")
    state = seen.gateway_state
    if record.service not in seen.live_route.tokens or not state.ready:
        message = state.message if state.status == "False" else "the gateway has not taken its route yet."
        return Readiness("Waiting", PREPARING, f"{name} is ready; {message}")
    if state.internal_url is None:
        return Readiness(
            "Waiting", PREPARING, f"{name} is ready; the gateway has no Service with an HTTP listener yet."
        )
    return _preflight(seen, record, name)


def _preflight(seen: Observed, record: Record, name: str) -> Readiness:
    result = seen.preflight(record)
    if result.state == "Passed":
        return READY
    if result.state == "Failed":
        return Readiness("Failed", PREFLIGHT, f"{name} did not pass its preflight: {result.message.rstrip('.')}.")
    return Readiness(
        "Waiting",
        PREFLIGHT,
        f"{name} answers its golden rows through the gateway, before any user's request.",
        preflight=result.state == "Absent",
    )


def _age(seen: Observed, record: Record, now: datetime) -> float:
    service = seen.services.get(record.service)
    if service is None:
        return 0.0
    return (now - parse_time(service["metadata"]["creationTimestamp"])).total_seconds()
