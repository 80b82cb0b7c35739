"""Where things are: the clone, the cache outside it, the state of the running cluster."""

from __future__ import annotations

import os
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
PACKAGE = REPOSITORY / "devcluster"
MANIFESTS = PACKAGE / "manifests"

NAME = "perennial-devcluster"
# Fixed, so that everyone finds the kubeconfig and `down` finds what an earlier `up` left, whoever started it.
STATE = Path("/var/lib") / NAME
KUBECONFIG = STATE / "kubeconfig"


def cache() -> Path:
    """The folder for what is slow to make; outside the clone, so that a second clone is warm."""
    return Path(os.environ.get("PERENNIAL_CACHE") or Path.home() / ".cache" / "perennial")


def logs() -> Path:
    """The folder with one log per step of building."""
    return cache() / "logs"
