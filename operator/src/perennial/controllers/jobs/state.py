"""Jobs and their pods, read from the cluster into small frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from perennial.core.conditions import find_condition, parse_time
from perennial.ports.kube import Object


@dataclass(frozen=True)
class PodState:
    """One attempt of a Job. Texts are as the kubelet and the container wrote them: not to be trusted."""

    name: str
    created: datetime
    phase: str
    reason: str = ""
    message: str = ""
    unschedulable: str = ""
    disrupted: str = ""
    waiting_reason: str = ""
    waiting_message: str = ""
    exit_code: int | None = None
    exit_reason: str = ""
    termination_message: str = ""

    @property
    def over(self) -> bool:
        """Whether it will not run again."""
        return self.phase in ("Succeeded", "Failed")


@dataclass(frozen=True)
class JobState:
    """One Job; `finished_at` is set with `finished`. `raw` is for deleting this very object."""

    name: str
    uid: str
    created: datetime
    failed: int = 0
    finished: Literal["Complete", "Failed"] | None = None
    reason: str = ""
    message: str = ""
    finished_at: datetime | None = None
    raw: Object = field(default_factory=dict, repr=False, compare=False)


def read_job(obj: Object) -> JobState:
    """The state of a Job as the apiserver gave it."""
    metadata, status = obj["metadata"], obj.get("status") or {}
    created = parse_time(metadata["creationTimestamp"])
    end = _end(status.get("conditions") or [])
    if end is None:
        return JobState(metadata["name"], metadata["uid"], created, failed=status.get("failed") or 0, raw=obj)
    finished_at = status.get("completionTime") or end.get("lastTransitionTime")
    return JobState(
        name=metadata["name"],
        uid=metadata["uid"],
        created=created,
        failed=status.get("failed") or 0,
        finished="Complete" if end["type"] == "Complete" else "Failed",
        reason=end.get("reason") or "",
        message=end.get("message") or "",
        finished_at=parse_time(finished_at) if finished_at else created,
        raw=obj,
    )


def read_pod(obj: Object, container: str) -> PodState:
    """The state of a pod and of its container of that name."""
    status = obj.get("status") or {}
    statuses = status.get("containerStatuses") or []
    state = next((each.get("state") or {} for each in statuses if each.get("name") == container), {})
    waiting, ended = state.get("waiting") or {}, state.get("terminated") or {}
    return PodState(
        name=obj["metadata"]["name"],
        created=parse_time(obj["metadata"]["creationTimestamp"]),
        phase=status.get("phase") or "Pending",
        reason=status.get("reason") or "",
        message=status.get("message") or "",
        unschedulable=_condition_message(status, "PodScheduled", "False", reason="Unschedulable"),
        disrupted=_condition_message(status, "DisruptionTarget", "True"),
        waiting_reason=waiting.get("reason") or "",
        waiting_message=waiting.get("message") or "",
        exit_code=ended.get("exitCode"),
        exit_reason=ended.get("reason") or "",
        termination_message=ended.get("message") or "",
    )


def is_pod_of(pod: Object, job: Object) -> bool:
    """Whether the Job's controller made the pod. Anyone can give a pod our labels: they choose, they prove nothing."""
    owners = pod["metadata"].get("ownerReferences") or []
    uid = job["metadata"]["uid"]
    return any(each.get("kind") == "Job" and each.get("uid") == uid and each.get("controller") for each in owners)


def _end(conditions: list[Object]) -> Object | None:
    ends = (find_condition(conditions, each) for each in ("Complete", "Failed"))
    return next((each for each in ends if each is not None and each.get("status") == "True"), None)


def _condition_message(status: Mapping[str, Any], type: str, value: str, reason: str = "") -> str:  # noqa: A002
    found = find_condition(status.get("conditions") or [], type)
    if found is None or found.get("status") != value or (reason and found.get("reason") != reason):
        return ""
    return found.get("message") or found.get("reason") or type
