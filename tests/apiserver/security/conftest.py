"""One audited apiserver for all of these tests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from itertools import count
from pathlib import Path

import pytest

from perennial.ports.kube import KubeClient
from tests.apiserver.installation import installation
from tests.apiserver.security import cluster
from tests.apiserver.support import Kubectl

_numbers = count(1)


@pytest.fixture(scope="session")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kubectl]:
    """kubectl of an admin, on a cluster with everything of manifests/."""
    with installation(tmp_path_factory.mktemp("secured"), audit=True) as kubectl:
        yield kubectl


@pytest.fixture
def namespace(secured: Kubectl) -> str:
    """A namespace of the test's own."""
    name = f"secure-{next(_numbers)}"
    secured("create", "namespace", name)
    return name


@pytest.fixture
async def admin(secured: Kubectl) -> AsyncIterator[KubeClient]:
    """The real client as the admin."""
    client = await KubeClient.connect(kubeconfig=str(secured.kubeconfig))
    yield client
    await client.close()


@pytest.fixture
async def operator(secured: Kubectl, admin: KubeClient, tmp_path: Path) -> AsyncIterator[KubeClient]:
    """The real client as the operator's service account."""
    token = await cluster.token(admin, cluster.SYSTEM, "perennial-operator")
    client = await cluster.client(secured.kubeconfig, token, tmp_path / "operator.kubeconfig")
    yield client
    await client.close()
