"""The cluster that this invocation acts on."""

from __future__ import annotations

import os

from .choice import choose
from .current import Current
from .dev import Dev
from .face import Cluster
from .kind import Kind
from .machine import look


def chosen() -> Cluster:
    """The cluster of PERENNIAL_CLUSTER, or what this machine can have.

    Raises:
        NoClusterError: there is none.
    """
    wanted = os.environ.get("PERENNIAL_CLUSTER", "")
    clusters: dict[str, type[Cluster]] = {"devcluster": Dev, "kind": Kind, "current": Current}
    return clusters[choose(wanted, look(wanted))]()
