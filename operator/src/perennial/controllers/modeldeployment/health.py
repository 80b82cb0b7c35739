"""How a revision's pods are. KServe reports a model that crash-loops as in progress for ever, so the pods are asked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from perennial.controllers.jobs.said import read_failure
from perennial.controllers.jobs.text import clean, tail
from perennial.controllers.modeldeployment.disruption import Disruption, disruption
from perennial.core.conditions import parse_time

CRASHES = 2
"""A container that ended this often by itself is given up: the first time may have been the node's fault."""
OVER = ("Failed", "Succeeded")
BLOCKED = {
    "ImagePullBackOff": "its image cannot be pulled",
    "ErrImagePull": "its image cannot be pulled",
    "ErrImageNeverPull": "its image is not on the node",
    "InvalidImageName": "the name of its image is not valid",
    "CreateContainerConfigError": "its container cannot be set up",
    "CreateContainerError": "its container cannot be created",
}


@dataclass(frozen=True)
class Health:
    """``ready`` pods; ``failure``, a sentence, when the model itself ended its pods; ``waiting``, what is missing.

    ``changes`` are the times (RFC 3339) at which pods were made, or became ready or unready. ``disruptions`` are the
    pods that the cluster takes away. ``unplaced``: what is missing is the cluster's to give, pods or room for them.
    ``untried``: when the oldest pod was made, if no container of any has ended yet.
    """

    ready: int = 0
    failure: str | None = None
    waiting: str = "its pods are not there yet"
    changes: tuple[str, ...] = ()
    disruptions: tuple[Disruption, ...] = ()
    unplaced: bool = True
    untried: datetime | None = None

    @property
    def lost(self) -> str | None:
        """Why no pod is ready, if that is not the model's fault."""
        if self.serves or self.failure:
            return None
        going = next((each.why for each in self.disruptions if each.until is None), None)
        return going or (self.waiting if self.unplaced else None)

    def lost_since(self, since: datetime) -> str | None:
        """The same of pods that got requests at ``since``: all that there are now are younger and still start."""
        if self.lost or self.serves or self.failure:
            return self.lost
        replaced = self.untried is not None and self.untried > since
        return "they were replaced, and the new ones are not ready yet" if replaced else None

    @property
    def serves(self) -> bool:
        return self.ready > 0


def health(service: dict[str, Any] | None, pods: tuple[dict[str, Any], ...]) -> Health:
    """The health of the revision whose InferenceService and server pods these are."""
    there = [pod for pod in pods if "deletionTimestamp" not in pod["metadata"]]
    # An evicted pod stays as a record of itself; the one that replaces it says more.
    living = [pod for pod in there if pod.get("status", {}).get("phase") not in OVER] or there
    ready = sum(_is_ready(pod) for pod in living)
    failure = next((found for pod in living if (found := _failure(pod))), None)
    waiting = next((found for pod in living if (found := _waiting(pod))), None)
    if waiting is None:
        waiting = "its pods are not ready yet" if living else _service_message(service)
    changes = (time for pod in living for time in _changes(pod))
    disruptions = (each for pod in pods if (each := disruption(pod)))
    unplaced = all(map(_is_unplaced, living))
    return Health(ready, failure, waiting, tuple(changes), tuple(disruptions), unplaced, _untried(living))


def _untried(living: list[dict[str, Any]]) -> datetime | None:
    if any(_ended(container) for pod in living for container in _containers(pod)):
        return None
    made = (pod["metadata"].get("creationTimestamp") for pod in living)
    return min((parse_time(time) for time in made if time), default=None)


def _is_unplaced(pod: dict[str, Any]) -> bool:
    """Whether it has no node, or has lost it: nothing that a model does makes that so."""
    unschedulable = _condition(pod, "PodScheduled").get("reason") == "Unschedulable"
    return unschedulable or disruption(pod) is not None


def _changes(pod: dict[str, Any]) -> list[str]:
    times = (pod["metadata"].get("creationTimestamp"), _condition(pod, "Ready").get("lastTransitionTime"))
    return [time for time in times if time]


def _is_ready(pod: dict[str, Any]) -> bool:
    return _condition(pod, "Ready").get("status") == "True"


def _condition(obj: dict[str, Any], kind: str) -> dict[str, Any]:
    conditions = obj.get("status", {}).get("conditions", [])
    found: dict[str, Any] = next((each for each in conditions if each["type"] == kind), {})
    return found


def _containers(pod: dict[str, Any]) -> list[dict[str, Any]]:
    status = pod.get("status", {})
    return [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]


def _failure(pod: dict[str, Any]) -> str | None:
    for container in _containers(pod):
        ended = _ended(container)
        if ended and container.get("restartCount", 0) >= CRASHES and not container.get("ready"):
            return f"its pod ended {container['restartCount']} times: {describe_end(ended)}"
    return None


def _ended(container: dict[str, Any]) -> dict[str, Any] | None:
    ended: dict[str, Any] | None = container.get("state", {}).get("terminated") or container.get("lastState", {}).get(
        "terminated"
    )
    return ended


def describe_end(ended: dict[str, Any]) -> str:
    """A terminated container's state in words: out of memory, or its exit code and the last that it said."""
    if ended.get("reason") == "OOMKilled":
        return "it was out of memory; raise serving.resources.limits.memory"
    said = str(ended.get("message", ""))
    failure = read_failure(said)
    # A server of ours leaves an outcome, others the end of their log.
    last = failure.message.rstrip(".") if failure else tail(said, 300)
    return f"exit code {ended.get('exitCode')}" + (f", saying: {last}" if last else "")


def _waiting(pod: dict[str, Any]) -> str | None:
    for container in _containers(pod):
        waiting = container.get("state", {}).get("waiting", {})
        if waiting.get("reason") in BLOCKED:
            detail = clean(str(waiting.get("message", "")), 200)
            return f"{BLOCKED[waiting['reason']]} ({detail or waiting['reason']})"
        ended = _ended(container)
        if ended and not container.get("ready"):
            return f"its pod ended: {describe_end(ended)}"
    scheduled = _condition(pod, "PodScheduled")
    if scheduled.get("reason") == "Unschedulable":
        return f"its pod cannot be scheduled: {clean(scheduled.get('message', ''), 200)}"
    if pod.get("status", {}).get("phase") == "Failed":
        told = pod["status"]
        return f"its pod was ended ({told.get('reason', 'Failed')}): {clean(told.get('message', ''), 200)}"
    return None


def _service_message(service: dict[str, Any] | None) -> str:
    if service is None:
        return "its InferenceService is being created"
    ready = _condition(service, "PredictorReady") or _condition(service, "Ready")
    if ready.get("status") == "False" and ready.get("message"):
        return f"KServe says: {clean(ready['message'], 300)}"
    return "its pods are not there yet"
