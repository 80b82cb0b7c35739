"""Places for situations: on the apiserver of the session, and on one without KServe and the Gateway API."""

from __future__ import annotations

import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from devcluster import go
from devcluster.apiserver import running_apiserver
from perennial.ports.kube import KubeClient
from tests.apiserver.gitops.place import Place
from tests.apiserver.installation import install_gateway
from tests.apiserver.support import Kubectl, until

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="session")
def gateways(kubectl: Kubectl) -> None:
    """The Gateway that the ModelDeployments of the tests name."""
    install_gateway(kubectl)
    for plural in ("inferenceservices", "servingruntimes", "httproutes"):
        # The storage of a definition comes a moment after it is established.
        ask = [*kubectl.command, f"--kubeconfig={kubectl.kubeconfig}", "get", plural]
        until(lambda ask=ask: subprocess.run(ask, capture_output=True).returncode == 0, f"{plural} are served")


@pytest.fixture(scope="session")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kubectl]:
    """kubectl of an apiserver that serves our kinds and none of those that we build upon."""
    with running_apiserver(tmp_path_factory.mktemp("bare")) as kubeconfig:
        kubectl = Kubectl([str(go.build("kubernetes")), "kubectl"], kubeconfig)
        kubectl("apply", "--server-side", "-k", str(ROOT / "crds"))
        kubectl.wait_for_definitions()
        yield kubectl


@pytest.fixture
async def place(kubectl: Kubectl, gateways: None, namespace: str, kube: KubeClient, operator_kube: KubeClient) -> Place:
    """A namespace on the apiserver of the session; the reconcilers have the operator's permissions."""
    return Place(namespace, kube, operator_kube, kubectl)


@pytest.fixture
async def connect() -> AsyncIterator[Callable[[Kubectl], object]]:
    """A function that makes a client of the admin; it is closed with the test."""
    clients: list[KubeClient] = []

    async def made(kubectl: Kubectl) -> KubeClient:
        clients.append(await KubeClient.connect(kubeconfig=str(kubectl.kubeconfig)))
        return clients[-1]

    yield made
    for client in clients:
        await client.close()
