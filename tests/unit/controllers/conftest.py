"""Objects as the apiserver gives them, built from few words."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

Object = dict[str, Any]

NAMESPACE = "flights"
START = datetime(2026, 1, 1, tzinfo=UTC)
RUN_UID = "4f9c2a51-0000-4000-8000-000000000001"
JOB_UID = "4f9c2a51-0000-4000-8000-000000000002"
VERSION_UID = "4f9c2a51-0000-4000-8000-000000000003"
SHA = "ab" * 32
FOLDER = f"pvc://models/registry/{NAMESPACE}/flights/{RUN_UID}"


def stamp(seconds: float = 0) -> str:
    return (START + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


class Make:
    """Builders; `at(seconds)` is the clock of all of them."""

    namespace, run_uid, job_uid, version_uid, sha, folder = NAMESPACE, RUN_UID, JOB_UID, VERSION_UID, SHA, FOLDER

    @staticmethod
    def at(seconds: float = 0) -> datetime:
        return START + timedelta(seconds=seconds)

    stamp = staticmethod(stamp)

    @staticmethod
    def run(status: Object | None = None, name: str = "flights-january", **spec: Any) -> Object:
        body: Object = {
            "modelName": "flights",
            "data": {"uri": "pvc://flights-data/2013/january.csv"},
            "trainer": {"estimator": {"name": "LogisticRegression", "target": "late", "numeric": ["distance"]}},
            "output": {"storageUri": "pvc://models/registry"},
            "seed": 7,
        }
        metadata = {
            "name": name,
            "namespace": NAMESPACE,
            "uid": RUN_UID,
            "generation": 1,
            "creationTimestamp": stamp(),
            "resourceVersion": "1",
        }
        run = {
            "apiVersion": "perennial.dev/v1alpha1",
            "kind": "TrainingRun",
            "metadata": metadata,
            "spec": body | spec,
        }
        return run if status is None else run | {"status": status}

    @staticmethod
    def claim(name: str) -> Object:
        return {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {"name": name, "namespace": NAMESPACE},
            "spec": {},
        }

    @staticmethod
    def job_end(kind: str, reason: str = "", message: str = "", seconds: float = 60, failed: int = 0) -> Object:
        """A Job's status when it is over."""
        condition = {"type": kind, "status": "True", "reason": reason, "message": message}
        status: Object = {"conditions": [condition | {"lastTransitionTime": stamp(seconds)}], "failed": failed}
        return status | ({"completionTime": stamp(seconds)} if kind == "Complete" else {})

    @staticmethod
    def job(
        status: Object | None = None, name: str = "flights-january", owner: str = RUN_UID, kind: str = "TrainingRun"
    ) -> Object:
        return {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": {
                "name": name,
                "namespace": NAMESPACE,
                "uid": JOB_UID,
                "creationTimestamp": stamp(),
                "labels": {"perennial.dev/controller": kind, "perennial.dev/name": name},
                "ownerReferences": [{"kind": kind, "name": name, "uid": owner}],
            },
            "status": status or {},
        }

    @staticmethod
    def pod(
        phase: str = "Running",
        state: Object | None = None,
        *,
        container: str = "train",
        index: int = 0,
        owner: str = JOB_UID,
        labels: Object | None = None,
        **status: Any,
    ) -> Object:
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "name": f"flights-january-{index}",
                "namespace": NAMESPACE,
                "creationTimestamp": stamp(1 + index),
                "labels": labels
                or {"perennial.dev/controller": "TrainingRun", "perennial.dev/name": "flights-january"},
                "ownerReferences": [{"kind": "Job", "name": "flights-january", "uid": owner, "controller": True}],
            },
            "status": {
                "phase": phase,
                "containerStatuses": [{"name": container, "state": state or {}}],
                **status,
            },
        }

    @classmethod
    def ended(cls, exit_code: int = 0, message: str = "", reason: str = "", **more: Any) -> Object:
        """A pod whose container has ended."""
        state = {"terminated": {"exitCode": exit_code, "reason": reason, "message": message}}
        return cls.pod("Succeeded" if exit_code == 0 else "Failed", state, **more)

    @classmethod
    def waiting(cls, reason: str, message: str = "") -> Object:
        """A pod whose container waits."""
        return cls.pod("Pending", {"waiting": {"reason": reason, "message": message}})

    @staticmethod
    def outcome(**change: Any) -> str:
        """The termination message of a training that ended well."""
        artifact = {
            "uri": f"{FOLDER}/{SHA}",
            "sha256": SHA,
            "contentDigest": "cd" * 32,
            "format": "skops",
            "framework": "scikit-learn 1.9.1",
            "sizeBytes": 12345,
        }
        body: Object = {
            "outcome": "Succeeded",
            "artifact": artifact | change.pop("artifact", {}),
            "metrics": {"accuracy": "0.81", "roc_auc": "0.9123"},
            "lineage": {
                "dataDigest": "ef" * 32,
                "dataRows": 27004,
                "seed": 7,
                "threads": 1,
                "packagesDigest": "01" * 32,
            },
        }
        return json.dumps(body | change)

    @staticmethod
    def version(number: int = 1, run_uid: str | None = RUN_UID, status: Object | None = None, **spec: Any) -> Object:
        labels = {"perennial.dev/model": "flights"} | ({"perennial.dev/run-uid": run_uid} if run_uid else {})
        body: Object = {
            "modelName": "flights",
            "version": number,
            "artifact": {"uri": f"{FOLDER}/{SHA}", "sha256": SHA, "format": "skops"},
            "metrics": {"accuracy": "0.81", "roc_auc": "0.9123"},
            "approval": {"decision": "Approved"},
        }
        if run_uid:
            body["trainingRunRef"] = {"name": "flights-january", "uid": run_uid}
        version = {
            "apiVersion": "perennial.dev/v1alpha1",
            "kind": "ModelVersion",
            "metadata": {
                "name": f"flights-{number}",
                "namespace": NAMESPACE,
                "uid": VERSION_UID,
                "generation": 1,
                "creationTimestamp": stamp(61),
                "labels": labels,
                "resourceVersion": "1",
            },
            "spec": body | spec,
        }
        return version if status is None else version | {"status": status}

    @staticmethod
    def condition(status: Object, kind: str) -> tuple[str, str] | None:
        """Status and reason of a condition."""
        found = [each for each in status["conditions"] if each["type"] == kind]
        return (found[0]["status"], found[0]["reason"]) if found else None

    @staticmethod
    def message(status: Object, kind: str) -> str:
        return next(str(each["message"]) for each in status["conditions"] if each["type"] == kind)


@pytest.fixture(scope="session")
def make() -> type[Make]:
    return Make
