"""Prometheus in the cluster, with the jobs that manifests/monitoring offers to users."""

from __future__ import annotations

from . import paths
from .kubectl import Kubectl
from .storing import digest

_OFFERED = paths.REPOSITORY / "manifests" / "monitoring"


def install(kubectl: Kubectl, image: str) -> None:
    """Apply Prometheus; a change of its configuration starts it anew."""
    manifest = (paths.MANIFESTS / "prometheus.yaml").read_text()
    key = digest([manifest, *(path.read_bytes() for path in sorted(_OFFERED.glob("*.yaml")))])
    filled = manifest.replace("PROMETHEUS_IMAGE", image)
    kubectl.apply(filled.replace("CONFIGURATION_DIGEST", f"c{key}"))
    kubectl.apply(kubectl("kustomize", str(_OFFERED)))


def wait_ready(kubectl: Kubectl) -> None:
    """Wait until it answers."""
    kubectl.wait_for("condition=Available", "--namespace=monitoring", "deployment/prometheus", seconds=90)
