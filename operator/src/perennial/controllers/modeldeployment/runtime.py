"""The KServe objects of a revision: a ServingRuntime of its own and an InferenceService that names it.

A runtime of its own per revision means that nothing shared can change under a revision that serves.
"""

from __future__ import annotations

from typing import Any

from perennial.api.pods import Resources
from perennial.api.serving import Serving
from perennial.controllers.modeldeployment import naming

MODEL_FORMAT = "perennial"
MODELS = "/mnt/models"
PORT = 8080
DEFAULT_RESOURCES = Resources(
    requests={"cpu": "100m", "memory": "256Mi"},
    limits={"memory": "1Gi"},
)
CONTAINER_SECURITY: dict[str, Any] = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "readOnlyRootFilesystem": True,
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}


def runtime_spec(deployment: str, sha256: str, serving: Serving, default_image: str) -> dict[str, Any]:
    """The spec of a revision's ServingRuntime."""
    resources = (serving.resources or DEFAULT_RESOURCES).model_dump(exclude_defaults=True)
    env = [each.model_dump(by_alias=True, exclude_none=True) for each in serving.env]
    container = {
        "name": "kserve-container",
        "image": serving.image or default_image,
        "imagePullPolicy": "IfNotPresent",
        "args": [
            "serve",
            f"--model-name={deployment}",
            f"--model-dir={MODELS}",
            f"--sha256={sha256}",
            f"--port={PORT}",
        ],
        "env": [{"name": "HOME", "value": "/tmp"}, *env],  # noqa: S108
        "ports": [{"name": "http", "containerPort": PORT, "protocol": "TCP"}],
        # KServe's own probe is TCP every 10 s: too slow, and a listening socket is no answer. A server that is only
        # slow must not be taken away from its users: hence the patience once it is ready.
        "readinessProbe": {
            "httpGet": {"path": "/v2/health/ready", "port": PORT},
            "periodSeconds": 1,
            "timeoutSeconds": 5,
            "failureThreshold": 3,
        },
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "resources": resources,
        "securityContext": CONTAINER_SECURITY,
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],  # noqa: S108
    }
    return {
        "supportedModelFormats": [{"name": MODEL_FORMAT, "version": "1", "autoSelect": False}],
        "protocolVersions": ["v1", "v2"],
        "multiModel": False,
        "containers": [container],
        "volumes": [{"name": "tmp", "emptyDir": {}}],
    }


def serving_runtime(
    deployment: dict[str, Any], service: str, labels: dict[str, str], spec: dict[str, Any]
) -> dict[str, Any]:
    """The ServingRuntime named ``service``."""
    return {
        "apiVersion": "serving.kserve.io/v1alpha1",
        "kind": "ServingRuntime",
        "metadata": naming.child_metadata(deployment, service, labels),
        "spec": spec,
    }


def inference_service(
    deployment: dict[str, Any],
    service: str,
    labels: dict[str, str],
    spec: dict[str, Any],
    storage_uri: str,
    replicas: int,
) -> dict[str, Any]:
    """The InferenceService named ``service``, which makes the pods and the Service ``<service>-predictor``."""
    metadata = naming.child_metadata(
        deployment, service, {**labels, "networking.kserve.io/visibility": "cluster-local"}
    )
    metadata["annotations"] = {
        "serving.kserve.io/deploymentMode": "Standard",
        "serving.kserve.io/autoscalerClass": "none",
    }
    return {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": metadata,
        "spec": {
            "predictor": {
                "automountServiceAccountToken": False,
                "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
                "minReplicas": replicas,
                "model": {
                    "modelFormat": {"name": MODEL_FORMAT},
                    "runtime": service,
                    "storageUri": storage_uri,
                    # Said here too: KServe's webhook fills in its own where the InferenceService has none.
                    "resources": spec["containers"][0]["resources"],
                },
            }
        },
    }
