"""The PodDisruptionBudget of a deployment: a drain of nodes takes one of its server pods at a time. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from perennial.controllers.modeldeployment import naming


def needed(replicas: int) -> bool:
    """Whether there is anything to protect: of a single pod a budget could only forbid every drain."""
    return replicas > 1


def may_be_there(replicas: int, services: Mapping[str, dict[str, Any]]) -> bool:
    """Whether to look for one: it is needed now, or was for the InferenceServices as they still are."""
    predictors = (each.get("spec", {}).get("predictor", {}) for each in services.values())
    return needed(replicas) or any(needed(int(each.get("minReplicas", 0))) for each in predictors)


def manifest(deployment: dict[str, Any]) -> dict[str, Any]:
    """One for the server pods of all revisions: while two serve, their pods stand in for each other."""
    name = deployment["metadata"]["name"]
    selector = {**naming.selector(name), naming.COMPONENT_LABEL: naming.SERVER}
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": naming.child_metadata(deployment, name),
        "spec": {
            "maxUnavailable": 1,
            "selector": {"matchLabels": selector},
            # A pod that does not serve anyway must not keep a node from being drained.
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
        },
    }
