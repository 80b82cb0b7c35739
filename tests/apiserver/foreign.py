"""Definitions of others that we build upon, reduced to their names: what is in the objects is tested end to end."""

import yaml

from perennial.ports.kinds import GATEWAY, HTTP_ROUTE, INFERENCE_SERVICE, SERVING_RUNTIME, Kind


def definition(kind: Kind) -> dict[str, object]:
    """A CustomResourceDefinition that takes any spec and status."""
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    schema = {"type": "object", "properties": {"spec": anything, "status": anything}}
    version = {
        "name": kind.version,
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        "schema": {"openAPIV3Schema": schema},
    }
    metadata: dict[str, object] = {"name": f"{kind.plural}.{kind.group}"}
    if kind.group.endswith("k8s.io"):
        # The apiserver wants to see a review for groups of Kubernetes' own.
        metadata["annotations"] = {"api-approved.kubernetes.io": "https://github.com/kubernetes-sigs/gateway-api"}
    names = {"plural": kind.plural, "singular": kind.kind.lower(), "kind": kind.kind, "listKind": f"{kind.kind}List"}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": metadata,
        "spec": {"group": kind.group, "scope": "Namespaced", "names": names, "versions": [version]},
    }


FOREIGN_DEFINITIONS = yaml.safe_dump_all(
    definition(kind) for kind in (INFERENCE_SERVICE, SERVING_RUNTIME, HTTP_ROUTE, GATEWAY)
)
