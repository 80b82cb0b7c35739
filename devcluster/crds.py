"""Kinds of others that the cluster needs: the few that are used, in full, because a schema is what validates.

Compiling schemas takes the apiserver half of a start: installing them all would double it.
"""

from __future__ import annotations

from pathlib import Path

from . import go
from .kubectl import Kubectl
from .storing import digest

_GATEWAY_API = ("gatewayclasses", "gateways", "httproutes", "referencegrants")
_ENVOY_GATEWAY = ("envoyproxies", "backendtrafficpolicies")
# The manager ends after two minutes without the third and fourth, and refuses storage URIs without the last.
_KSERVE = (
    "serving.kserve.io_inferenceservices.yaml",
    "serving.kserve.io_servingruntimes.yaml",
    "serving.kserve.io_trainedmodels.yaml",
    "serving.kserve.io_inferencegraphs.yaml",
    "clusterstoragecontainer/serving.kserve.io_clusterstoragecontainers.yaml",
)


def files() -> list[Path]:
    """The definitions, in the modules that they come from; modules are downloaded where they are missing."""
    gateway_api = go.module("envoy-gateway", "sigs.k8s.io/gateway-api") / "config/crd/standard"
    envoy_gateway = go.module("envoy-gateway", "github.com/envoyproxy/gateway") / "charts/gateway-helm/charts/crds"
    kserve = go.module("kserve", "github.com/kserve/kserve") / "config/crd/full"
    return [
        *(gateway_api / f"gateway.networking.k8s.io_{name}.yaml" for name in _GATEWAY_API),
        *(envoy_gateway / f"crds/generated/gateway.envoyproxy.io_{name}.yaml" for name in _ENVOY_GATEWAY),
        *(kserve / name for name in _KSERVE),
    ]


def install(kubectl: Kubectl, applied: Path) -> None:
    """Apply the definitions and wait until the apiserver serves them; nothing happens if they were applied before.

    Args:
        kubectl: the cluster.
        applied: a file that remembers, as long as the cluster lives, what was applied.
    """
    key = digest(path.read_bytes() for path in files())
    if applied.exists() and applied.read_text() == key:
        return
    kubectl.apply_files(files())
    names = [f"crd/{name}" for name in _names()]
    kubectl.wait_for("condition=Established", *names, seconds=120)
    applied.write_text(key)


def _names() -> list[str]:
    """Names of the definitions, PLURAL.GROUP: upstream names a file GROUP_PLURAL.yaml."""
    stems = (path.stem.partition("_") for path in files())
    return [f"{plural}.{group}" for group, _, plural in stems]
