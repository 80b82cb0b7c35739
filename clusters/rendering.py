"""Perennial's manifests for a cluster."""

from __future__ import annotations

import os

from devcluster import paths, run

from .face import Cluster


def manifests(cluster: Cluster, operator: str, trainer: str) -> str:
    """All of Perennial's manifests for a cluster, with these two images.

    Raises:
        CommandError: there is no such overlay, or it does not render.
    """
    script = str(paths.REPOSITORY / "scripts" / "manifests")
    environment = {**os.environ, "KUBECTL": " ".join(cluster.kubectl().program)}
    return run.answer([script, cluster.overlay, operator, trainer, *cluster.settings()], env=environment)
