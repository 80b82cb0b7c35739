"""Objects of the played cluster."""

from __future__ import annotations

import json
from typing import Any

NAMESPACE, NAME = "flights", "late"


def gateway() -> list[dict[str, Any]]:
    """A Gateway with one HTTP listener, and its Service."""
    place = {"namespace": "envoy-gateway-system"}
    owning = "gateway.envoyproxy.io/owning-gateway"
    labels = {f"{owning}-name": "gw", f"{owning}-namespace": "envoy-gateway-system"}
    listener = {"name": "http", "protocol": "HTTP", "port": 8080}
    return [
        {
            "kind": "Gateway",
            "metadata": {**place, "name": "gw"},
            "spec": {"gatewayClassName": "eg", "listeners": [listener]},
            "status": {"conditions": [condition("Accepted", "True"), condition("Programmed", "True")]},
        },
        {"kind": "Service", "metadata": {**place, "name": "envoy-gw", "labels": labels}},
    ]


def version(number: int, decision: str = "Approved", verified: str = "True") -> dict[str, Any]:
    """ModelVersion late-``number``."""
    artifact = {"uri": f"pvc://models/late/{number}", "sha256": f"{number:064x}"}
    return {
        "kind": "ModelVersion",
        "metadata": {"namespace": NAMESPACE, "name": f"late-{number}", "uid": f"version-{number}"},
        "spec": {
            "modelName": "late",
            "version": number,
            "artifact": artifact,
            "approval": {"decision": decision},
        },
        "status": {"conditions": [condition("Verified", verified)]},
    }


def deployment(**spec: Any) -> dict[str, Any]:
    """ModelDeployment late: steps 10 and 50, no time between them and no bake after them."""
    wanted = {} if "version" in spec else {"follow": "LatestApproved"}
    return {
        "kind": "ModelDeployment",
        "apiVersion": "perennial.dev/v1alpha1",
        "metadata": {"namespace": NAMESPACE, "name": NAME, "uid": "the-uid"},
        "spec": {
            "modelName": "late",
            "router": {
                "gatewayRef": {"name": "gw", "namespace": "envoy-gateway-system"},
                "hostname": "late.localhost",
            },
            "strategy": {"canary": {"steps": [{"weight": 10}, {"weight": 50}]}},
            "bake": {"seconds": 0},
            **wanted,
            **spec,
        },
    }


def condition(kind: str, status: str) -> dict[str, Any]:
    """A condition that a test plays."""
    return {
        "type": kind,
        "status": status,
        "reason": "Played",
        "message": "Played.",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }


def pod_of(service: dict[str, Any], ready: bool = True, time: str = "2026-01-01T00:00:00Z") -> dict[str, Any]:
    """The server pod of an InferenceService."""
    metadata = service["metadata"]
    return {
        "kind": "Pod",
        "metadata": {
            "namespace": NAMESPACE,
            "name": f"{metadata['name']}-pod",
            "labels": dict(metadata["labels"]),
            "creationTimestamp": time,
        },
        "status": {"conditions": [condition("Ready", "True" if ready else "False") | {"lastTransitionTime": time}]},
    }


def job_pod(job: dict[str, Any], said: str, **owner: Any) -> dict[str, Any]:
    """The pod of a preflight Job, which left these words."""
    metadata = job["metadata"]
    by = {"kind": "Job", "name": metadata["name"], "uid": metadata["uid"], "controller": True} | owner
    state = {"terminated": {"exitCode": 65, "message": said}}
    return {
        "kind": "Pod",
        "metadata": {
            "namespace": NAMESPACE,
            "name": f"{metadata['name']}-pod",
            "labels": metadata["labels"],
            "creationTimestamp": "2026-01-01T00:00:00Z",
            "ownerReferences": [by],
        },
        "status": {"phase": "Failed", "containerStatuses": [{"name": "preflight", "state": state}]},
    }


def outcome(message: str, reason: str = "GoldenRowsDiffer") -> str:
    """A termination message."""
    return json.dumps({"outcome": "Failed", "reason": reason, "message": message})
