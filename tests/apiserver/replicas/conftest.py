"""An apiserver that writes an audit log, a played cluster, and replicas of the operator as processes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from tests.apiserver.installation import installation
from tests.apiserver.replicas.audit import Audit
from tests.apiserver.replicas.cluster import Cluster
from tests.apiserver.replicas.network import Network
from tests.apiserver.replicas.replica import SYSTEM, Replica
from tests.apiserver.support import Kubectl

Start = Callable[..., Replica]
_numbers = count(1)


@pytest.fixture(scope="session")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Kubectl, Audit]]:
    """kubectl of an admin, and the audit log."""
    folder = tmp_path_factory.mktemp("replicas")
    with installation(folder, audit=True) as kubectl:
        yield kubectl, Audit(folder)


@pytest.fixture
def audit(audited: tuple[Kubectl, Audit]) -> Audit:
    """What the apiserver wrote down."""
    return audited[1]


@pytest.fixture
def cluster(audited: tuple[Kubectl, Audit]) -> Iterator[Cluster]:
    """A played cluster with a namespace of its own."""
    with Cluster(audited[0], f"replicas-{next(_numbers)}") as cluster:
        yield cluster


@pytest.fixture
def network(audited: tuple[Kubectl, Audit]) -> Iterator[Network]:
    """For the one replica that is to be disturbed."""
    with Network(audited[0]) as network:
        yield network


@pytest.fixture
def start(audited: tuple[Kubectl, Audit], cluster: Cluster, tmp_path: Path) -> Iterator[Start]:
    """Starts a replica that reads its evidence from the cluster's Prometheus; what was started ends with the test."""
    kubectl = audited[0]
    kubectl("-n", SYSTEM, "delete", "lease", "--all")
    started: list[Replica] = []

    def start(server: str | None = None, more_environment: dict[str, str] | None = None, **settings: object) -> Replica:
        known = {"prometheus_url": cluster.prometheus.url, "poll_seconds": 1, "scrape_interval_seconds": 1}
        replica = Replica(
            kubectl,
            tmp_path,
            f"operator-{next(_numbers)}",
            known | settings,
            server=server,
            more_environment=more_environment or {},
        )
        started.append(replica)
        return replica

    yield start
    for replica in started:
        replica.end()
