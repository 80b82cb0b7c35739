"""Objects as Kubernetes gives them, for tests of what reads them."""

from __future__ import annotations

from typing import Any

TIME = "2026-01-01T00:00:00Z"
Object = dict[str, Any]


def version(number: int, roc_auc: str = "0.9") -> Object:
    """A ModelVersion that a run made."""
    return {
        "kind": "ModelVersion",
        "metadata": {"name": f"flights-{number}"},
        "spec": {
            "modelName": "flights",
            "version": number,
            "artifact": {
                "uri": "pvc://models/flights/a",
                "sha256": "a" * 64,
                "contentDigest": "b" * 64,
                "format": "skops",
                "framework": "scikit-learn 1.9.1",
                "sizeBytes": 1000,
            },
            "metrics": {"roc_auc": roc_auc},
            "approval": {"decision": "Approved"},
        },
        "status": {"conditions": [condition("Verified", "True")], "metric": f"roc_auc={roc_auc}"},
    }


def deployment(status: Object) -> Object:
    """The ModelDeployment of the example."""
    return {"kind": "ModelDeployment", "metadata": {"name": "flights"}, "spec": {}, "status": status}


def revision(number: int, **more: Any) -> Object:
    """A revision in a deployment's status."""
    return {"version": number, "revision": f"r{number}", "inferenceService": f"flights-r{number}", **more}


def canary(number: int, weight: int) -> Object:
    """A revision that is being rolled out."""
    return revision(number, weight=weight, step=0, since=TIME, started=TIME)


def ended(number: int, outcome: str, message: str = "so it ended") -> Object:
    """A rollout in a deployment's history."""
    return {"version": number, "revision": f"r{number}", "outcome": outcome, "time": TIME, "message": message}


def condition(type_: str, status: str, reason: str = "Reason", message: str = "A sentence.") -> Object:
    """A condition."""
    return {"type": type_, "status": status, "reason": reason, "message": message, "lastTransitionTime": TIME}
