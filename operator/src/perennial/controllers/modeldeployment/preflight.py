"""The preflight: a Job that sends golden rows through the gateway to a revision that no user can reach yet."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal

from perennial.controllers.modeldeployment import naming
from perennial.controllers.modeldeployment.revision import Record
from perennial.controllers.modeldeployment.runtime import CONTAINER_SECURITY, MODELS

DEADLINE_SECONDS = 60


@dataclass(frozen=True)
class Result:
    """How a preflight stands, and the sentence that it ended with."""

    state: Literal["Absent", "Running", "Passed", "Failed"]
    message: str = ""


def result(job: dict[str, Any] | None, pods: tuple[dict[str, Any], ...]) -> Result:
    """The result of a preflight Job whose pods these are."""
    if job is None:
        return Result("Absent")
    for condition in job.get("status", {}).get("conditions", []):
        if condition["status"] != "True":
            continue
        if condition["type"] == "Complete":
            return Result("Passed")
        if condition["type"] == "Failed":
            return Result("Failed", _sentence(pods) or condition.get("message", "the preflight Job failed"))
    return Result("Running")


def _sentence(pods: tuple[dict[str, Any], ...]) -> str | None:
    for pod in pods:
        for container in pod.get("status", {}).get("containerStatuses", []):
            message = container.get("state", {}).get("terminated", {}).get("message")
            if message:
                return _outcome_message(str(message))
    return None


def _outcome_message(text: str) -> str:
    """The outcome's sentence, or the last of the log where there is no outcome."""
    try:
        outcome = json.loads(text)
    except ValueError:
        return " ".join(text.split())[-300:]
    if isinstance(outcome, dict) and isinstance(outcome.get("message"), str):
        return " ".join(outcome["message"].split())[:500]
    return " ".join(text.split())[:300]


def job(deployment: dict[str, Any], record: Record, image: str, url: str, host: str, token: str) -> dict[str, Any]:
    """The preflight Job of a revision. ``url`` is the gateway's inside the cluster, up to the model's name."""
    name = deployment["metadata"]["name"]
    labels = {naming.REVISION_LABEL: record.revision, naming.COMPONENT_LABEL: naming.PREFLIGHT}
    metadata = naming.child_metadata(deployment, naming.preflight_name(name, record.revision), labels)
    claim, _, path = record.storage_uri.removeprefix("pvc://").partition("/")
    env = {
        "PERENNIAL_PREFLIGHT_URL": f"{url}:predict",
        "PERENNIAL_PREFLIGHT_HOST": host,
        "PERENNIAL_PREFLIGHT_TOKEN": token,
        "PERENNIAL_ARTIFACT_PATH": MODELS,
        "PERENNIAL_DEADLINE_SECONDS": str(DEADLINE_SECONDS),
        "PERENNIAL_OUTCOME_PATH": "/dev/termination-log",
        "HOME": "/tmp",  # noqa: S108
    }
    container = {
        "name": "preflight",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "args": ["preflight"],
        "env": [{"name": key, "value": value} for key, value in env.items()],
        "resources": {"requests": {"cpu": "50m", "memory": "128Mi"}, "limits": {"memory": "512Mi"}},
        "securityContext": CONTAINER_SECURITY,
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": [
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108
            {"name": "model", "mountPath": MODELS, "subPath": path, "readOnly": True},
        ],
    }
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": metadata,
        "spec": {
            "backoffLimit": 0,
            "activeDeadlineSeconds": DEADLINE_SECONDS * 5,
            # A pod that was evicted says nothing about the model.
            "podFailurePolicy": {
                "rules": [{"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}]
            },
            "template": {
                "metadata": {"labels": metadata["labels"]},
                "spec": {
                    "restartPolicy": "Never",
                    "automountServiceAccountToken": False,
                    "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
                    "containers": [container],
                    "volumes": [
                        {"name": "tmp", "emptyDir": {}},
                        {"name": "model", "persistentVolumeClaim": {"claimName": claim, "readOnly": True}},
                    ],
                },
            },
        },
    }
