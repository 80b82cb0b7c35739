"""The tests play the Job controller and the kubelet: they write the status that those would write."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from perennial.core.clock import FakeClock
from perennial.core.events import EventRecorder
from perennial.core.reconciling import Reconciler, Result
from perennial.core.settings import Settings
from perennial.ports.kinds import JOB, PERSISTENT_VOLUME_CLAIM, POD
from perennial.ports.kube import KubeClient, Object, Unavailable
from tests.apiserver.support import eventually

SHA = "ab" * 32
SETTINGS = Settings(trainer_image="localhost/perennial-trainer:test", namespace="perennial-system", pod_name="test")


def clock() -> FakeClock:
    """A clock that begins with the apiserver's and then moves only when it is told to."""
    return FakeClock(datetime.now(UTC))


def recorder(kube: KubeClient, time: FakeClock) -> EventRecorder:
    """Events of the operator under test."""
    return EventRecorder(kube, time, "test")


async def make_claim(kube: KubeClient, namespace: str, name: str) -> None:
    """A claim that nothing binds."""
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    await kube.create(PERSISTENT_VOLUME_CLAIM, {"metadata": {"namespace": namespace, "name": name}, "spec": spec})


async def make_pod(kube: KubeClient, job: Object, status: Object, index: int = 0) -> None:
    """A pod of the Job, as its controller makes it, with what the kubelet says of it."""
    source = job["metadata"]
    head = {"namespace": source["namespace"], "name": f"{source['name']}-{index}"}
    owner = {"apiVersion": "batch/v1", "kind": "Job", "name": source["name"], "uid": source["uid"], "controller": True}
    template = job["spec"]["template"]
    metadata = {**head, "labels": template["metadata"]["labels"], "ownerReferences": [owner]}
    await kube.create(POD, {"metadata": metadata, "spec": template["spec"]})
    await kube.apply_status(POD, {"metadata": head, "status": status}, manager="kubelet")


def ended(container: str, exit_code: int, message: str, reason: str = "Completed") -> Object:
    """The status of a pod whose container has ended."""
    now = stamp()
    state = {"exitCode": exit_code, "reason": reason, "message": message, "startedAt": now, "finishedAt": now}
    return {
        "phase": "Failed" if exit_code else "Succeeded",
        "containerStatuses": [_container(container, "terminated", state)],
    }


def waiting(container: str, reason: str, message: str) -> Object:
    """The status of a pod whose container waits."""
    state = {"reason": reason, "message": message}
    return {"phase": "Pending", "containerStatuses": [_container(container, "waiting", state)]}


async def end_job(kube: KubeClient, job: Object, kind: str, reason: str = "Reached") -> None:
    """Complete or fail the Job, with the conditions that the apiserver asks for."""
    first = {"Complete": "SuccessCriteriaMet", "Failed": "FailureTarget"}[kind]
    now = stamp()
    condition = {"status": "True", "reason": reason, "message": reason, "lastTransitionTime": now, "lastProbeTime": now}
    status: Object = {"startTime": now, "conditions": [{"type": each, **condition} for each in (first, kind)]}
    status |= {"completionTime": now, "succeeded": 1} if kind == "Complete" else {"failed": 1}
    head = {key: job["metadata"][key] for key in ("namespace", "name")}
    await kube.apply_status(JOB, {"metadata": head, "status": status}, manager="job-controller")


def trained(namespace: str, uid: str, **change: Any) -> str:
    """The outcome of a run of the model `flights` that writes below pvc://models."""
    artifact = {"uri": f"pvc://models/{namespace}/flights/{uid}/{SHA}", "sha256": SHA, "format": "skops"}
    lineage = {"dataDigest": "ef" * 32, "dataRows": 27004, "packagesDigest": "01" * 32}
    body = {"outcome": "Succeeded", "artifact": artifact, "metrics": {"roc_auc": "0.9123"}, "lineage": lineage}
    return json.dumps(body | change)


async def one_pass(reconciler: Reconciler, namespace: str, name: str) -> float | None:
    """One pass, tried again while the apiserver says later, as the queue does: a definition is new here."""

    async def attempt() -> Result | None:
        try:
            return await reconciler.reconcile(namespace, name)
        except Unavailable:
            return None

    result = await eventually(attempt, "an apiserver that answers")
    return result.requeue_after if result else None


def stamp() -> str:
    """Now, as Kubernetes writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def condition(obj: Object, kind: str) -> tuple[str, str] | None:
    """Status and reason of a condition."""
    found = [each for each in obj.get("status", {}).get("conditions", []) if each["type"] == kind]
    return (found[0]["status"], found[0]["reason"]) if found else None


def message(obj: Object, kind: str) -> str:
    """The sentence of a condition."""
    return next(str(each["message"]) for each in obj["status"]["conditions"] if each["type"] == kind)


def _container(name: str, state: str, what: Object) -> Object:
    return {
        "name": name,
        "image": "image",
        "imageID": "",
        "ready": False,
        "restartCount": 0,
        "state": {state: what},
    }
