"""Which pods the cluster takes away, by what the pods themselves say: never the model's fault.

What the API server, the kubelet and the node lifecycle controller leave on a pod that has to go:
https://kubernetes.io/docs/concepts/workloads/pods/disruptions/#pod-disruption-conditions
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from perennial.controllers.jobs.text import clean
from perennial.core.conditions import find_condition, parse_time

BY_THE_NODE = ("Evicted", "NodeLost", "NodeShutdown", "Terminated", "Shutdown", "Preempting", "OutOfcpu", "OutOfmemory")
"""Reasons of a pod that its node ended or did not take."""


@dataclass(frozen=True)
class Disruption:
    """A pod is being taken away, or was. ``until`` is None while it lasts; ``why`` ends a sentence about its pod."""

    since: datetime
    until: datetime | None
    why: str


def disruption(pod: dict[str, Any]) -> Disruption | None:
    """What takes this pod away; None if nothing does."""
    deleted = _deleted(pod)
    if deleted:
        return Disruption(deleted, None, _said(pod) or "it is being deleted")
    status = pod.get("status", {})
    if status.get("phase") == "Failed":
        return _ended(pod) if _said(pod) or status.get("reason") in BY_THE_NODE else None
    if _said(pod):
        return Disruption(_time(pod, "DisruptionTarget"), None, _said(pod))
    if _is_lost(pod):
        return Disruption(_time(pod, "Ready"), None, "its node does not report any more")
    return None


def _deleted(pod: dict[str, Any]) -> datetime | None:
    """When its deletion was asked for: the timestamp is when the grace period ends."""
    metadata = pod["metadata"]
    if "deletionTimestamp" not in metadata:
        return None
    return parse_time(metadata["deletionTimestamp"]) - timedelta(seconds=metadata.get("deletionGracePeriodSeconds", 0))


def _said(pod: dict[str, Any]) -> str:
    status = pod.get("status", {})
    found = find_condition(status.get("conditions", []), "DisruptionTarget")
    if found and found["status"] == "True":
        return f"it is taken away ({found.get('reason', '')}): {clean(str(found.get('message', '')), 200)}".rstrip(": ")
    if status.get("phase") == "Failed" and status.get("reason") in BY_THE_NODE:
        return f"it was ended ({status['reason']}): {clean(str(status.get('message', '')), 200)}".rstrip(": ")
    return ""


def _ended(pod: dict[str, Any]) -> Disruption:
    """It stays as a record of itself; no request has reached it since it was not ready any more."""
    over = _time(pod, "Ready")
    return Disruption(min(_time(pod, "DisruptionTarget"), over), over, _said(pod))


def _is_lost(pod: dict[str, Any]) -> bool:
    """Not ready though its containers are: the kubelet would say both, a controller that misses its node only one."""
    status = pod.get("status", {})
    ready = find_condition(status.get("conditions", []), "Ready")
    containers = status.get("containerStatuses", [])
    return ready is not None and ready["status"] != "True" and containers != [] and all(map(_is_ready, containers))


def _is_ready(container: dict[str, Any]) -> bool:
    return bool(container.get("ready"))


def _time(pod: dict[str, Any], kind: str) -> datetime:
    found = find_condition(pod.get("status", {}).get("conditions", []), kind) or {}
    return parse_time(found.get("lastTransitionTime") or pod["metadata"]["creationTimestamp"])
