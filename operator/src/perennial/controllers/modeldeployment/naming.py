"""Labels, annotations and names of what a ModelDeployment makes."""

from __future__ import annotations

from typing import Any

from perennial.controllers import labels
from perennial.ports.kinds import MODEL_DEPLOYMENT

MANAGER = "perennial-modeldeployment"

PREFIX = "perennial.dev/"
NAME_LABEL = labels.NAME
VERSION_LABEL = labels.VERSION
REVISION_LABEL = "perennial.dev/revision"
ROLE_LABEL = "perennial.dev/role"
OUTCOME_LABEL = "perennial.dev/outcome"
COMPONENT_LABEL = "perennial.dev/component"
OUTCOME_MESSAGE = "perennial.dev/outcome-message"
WEIGHTS_SINCE = "perennial.dev/weights-since"
RETRIED = "perennial.dev/retried"
PROMOTED = "perennial.dev/promoted"
ROUTE_ROLLED_BACK = "perennial.dev/rolled-back"

SERVER = "server"
PREFLIGHT = "preflight"
REVISION_HEADER = "x-perennial-revision"


def selector(deployment: str) -> dict[str, str]:
    """The labels that everything made for a ModelDeployment carries."""
    return labels.made_by(MODEL_DEPLOYMENT, deployment)


def child_metadata(deployment: dict[str, Any], name: str, more: dict[str, str] | None = None) -> dict[str, Any]:
    """Metadata of a child: its labels and the owner that takes it along when it is deleted.

    Nothing of the owner's own labels or annotations is copied: Argo CD would take the child for its own and prune it.
    """
    owner = deployment["metadata"]
    return {
        "name": name,
        "namespace": owner["namespace"],
        "labels": {**selector(owner["name"]), labels.MODEL: deployment["spec"]["modelName"], **(more or {})},
        "ownerReferences": [labels.owner_reference(MODEL_DEPLOYMENT, deployment)],
    }


def service_name(deployment: str, revision: str) -> str:
    """The name of a revision's InferenceService, ServingRuntime and ControllerRevision (48 characters at most)."""
    return f"{deployment}-{revision}"


def preflight_name(deployment: str, revision: str) -> str:
    """The name of a revision's preflight Job."""
    return f"{service_name(deployment, revision)}-preflight"
