"""Everybody but the operator: KServe, the kubelet, the Job controller, the garbage collector and the gateway.

They look at the mirror, so they cost no reads, and they do a little at a time: a container runs before it ends.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

from perennial.core.clock import FakeClock
from perennial.core.conditions import format_time
from perennial.ports.kinds import (
    CONTROLLER_REVISION,
    HTTP_ROUTE,
    INFERENCE_SERVICE,
    JOB,
    MODEL_VERSION,
    POD,
    SERVING_RUNTIME,
    Kind,
)
from perennial.ports.kube import KubeClient
from tests.apiserver.playing import trained
from tests.faults.calls import Object
from tests.faults.mirror import Mirror

PLAYER = "cluster"
COLLECTED = (HTTP_ROUTE, INFERENCE_SERVICE, SERVING_RUNTIME, CONTROLLER_REVISION, JOB, POD)


class Cluster:
    """The players of one namespace."""

    def __init__(self, kube: KubeClient, mirror: Mirror, clock: FakeClock) -> None:
        self.kube, self.mirror, self.clock = kube, mirror, clock
        self._parts: list[Callable[[], Awaitable[None]]] = [
            self._serve,
            self._collect,
            self._start_jobs,
            self._end_jobs,
            self._take_route,
        ]

    async def act(self) -> bool:
        """Each does what there is to do for it now; whether anyone did anything."""
        before = len(self.mirror.moments)
        for part in self._parts:
            await part()
        return len(self.mirror.moments) > before

    async def _serve(self) -> None:
        for service in self.mirror.of(INFERENCE_SERVICE):
            name = f"{service['metadata']['name']}-pod"
            if self.mirror.get(POD, name) is None:
                spec = {"containers": [{"name": "kserve-container", "image": "x:1"}]}
                await self._make_pod(service, name, service["metadata"]["labels"], spec)
                await self.says(POD, name, {"conditions": [self._condition("Ready")]})

    async def _collect(self) -> None:
        """What has an owner goes with it, the route first: Kubernetes' garbage collector, one round of it."""
        living = {obj["metadata"]["uid"] for obj in self.mirror.objects.values()}
        for kind in COLLECTED:
            for obj in self.mirror.of(kind):
                owners = {each["uid"] for each in obj["metadata"].get("ownerReferences", [])}
                if owners and not living & owners:
                    await self.kube.delete(kind, obj)

    async def _start_jobs(self) -> None:
        for job in self._unfinished():
            name, template = f"{job['metadata']['name']}-0", job["spec"]["template"]
            if self.mirror.get(POD, name) is None:
                await self._make_pod(job, name, template["metadata"]["labels"], template["spec"])
                await self.says(POD, name, {"phase": "Running", "startTime": self.now()})
                return

    async def _end_jobs(self) -> None:
        for job in self._unfinished():
            pod = self.mirror.get(POD, f"{job['metadata']['name']}-0")
            if pod is None or pod["status"].get("phase") != "Running" or self._young(pod):
                continue
            container = job["spec"]["template"]["spec"]["containers"][0]["name"]
            await self.says(POD, pod["metadata"]["name"], self._ended(container, self._outcome(job, container)))
            conditions = [self._condition(each, "Reached") for each in ("SuccessCriteriaMet", "Complete")]
            times = {"startTime": self.now(), "completionTime": self.now()}
            await self.says(JOB, job["metadata"]["name"], {"conditions": conditions, "succeeded": 1, **times})

    def _young(self, pod: Object) -> bool:
        return bool(pod["status"].get("startTime") == self.now())

    def _unfinished(self) -> list[Object]:
        return [each for each in self.mirror.of(JOB) if not each.get("status", {}).get("completionTime")]

    def _outcome(self, job: Object, container: str) -> str:
        owner = job["metadata"]["ownerReferences"][0]
        if container == "train":
            return trained(self.mirror.namespace, owner["uid"]).replace("/flights/", "/late/")
        if container == "verify":
            version = self.mirror.get(MODEL_VERSION, owner["name"])
            assert version is not None
            return json.dumps({"outcome": "Succeeded", "artifact": {"sha256": version["spec"]["artifact"]["sha256"]}})
        return json.dumps({"outcome": "Succeeded"})

    def _ended(self, container: str, words: str) -> Object:
        state = {"exitCode": 0, "reason": "Completed", "message": words, "startedAt": self.now()}
        terminated = {"terminated": {**state, "finishedAt": self.now()}}
        head = {"name": container, "image": "image", "imageID": "", "ready": False, "restartCount": 0}
        return {"phase": "Succeeded", "startTime": self.now(), "containerStatuses": [{**head, "state": terminated}]}

    async def _take_route(self) -> None:
        for route in self.mirror.of(HTTP_ROUTE):
            if taken(route):
                continue
            said = self._condition("", "Accepted") | {"observedGeneration": route["metadata"]["generation"]}
            conditions = [{**said, "type": kind} for kind in ("Accepted", "ResolvedRefs")]
            parent = {"controllerName": "gateway.envoyproxy.io/eg", "parentRef": route["spec"]["parentRefs"][0]}
            status = {"parents": [{**parent, "conditions": conditions}]}
            await self.says(HTTP_ROUTE, route["metadata"]["name"], status)

    async def _make_pod(self, owner: Object, name: str, labels: dict[str, str], spec: Object) -> None:
        reference = {key: owner["metadata"][key] for key in ("name", "uid")}
        owners = [{**reference, "apiVersion": owner["apiVersion"], "kind": owner["kind"], "controller": True}]
        metadata = {"namespace": self.mirror.namespace, "name": name, "labels": labels, "ownerReferences": owners}
        await self.kube.create(POD, {"metadata": metadata, "spec": spec})

    async def says(self, kind: Kind, name: str, status: dict[str, Any]) -> None:
        """Write a status as a controller does."""
        metadata = {"namespace": self.mirror.namespace, "name": name}
        await self.kube.apply_status(kind, {"metadata": metadata, "status": status}, manager=PLAYER)

    def _condition(self, kind: str, reason: str = "Played") -> Object:
        now = self.now()
        times = {"lastTransitionTime": now}
        return {"type": kind, "status": "True", "reason": reason, "message": "", **times}

    def now(self) -> str:
        """The time of the players' clocks."""
        return format_time(self.clock.now())


def taken(route: Object) -> bool:
    """Whether the gateway has taken this generation of the route."""
    parents = route.get("status", {}).get("parents", [])
    seen = [each["observedGeneration"] for parent in parents for each in parent["conditions"]]
    return bool(seen) and all(each == route["metadata"]["generation"] for each in seen)
