"""A real kube-apiserver with etcd for the whole session; the tests play every controller but ours."""

import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from devcluster import go
from devcluster.apiserver import running_apiserver
from perennial.ports.kube import KubeClient
from tests.apiserver.foreign import FOREIGN_DEFINITIONS
from tests.apiserver.support import Kubectl, OperatorProcess

ROOT = Path(__file__).parents[2]
IMAGES = ("localhost/perennial-operator:test", "localhost/perennial-trainer:test")
_numbers = count(1)


@pytest.fixture(scope="session")
def apiserver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The kubeconfig of an admin. Everything of manifests/ and the definitions we build upon are installed."""
    with running_apiserver(tmp_path_factory.mktemp("apiserver")) as kubeconfig:
        kubectl = Kubectl([str(go.build("kubernetes")), "kubectl"], kubeconfig)
        kubectl("create", "namespace", "perennial-system")
        kubectl("apply", "--server-side", "-f", "-", stdin=FOREIGN_DEFINITIONS)
        kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=_manifests(kubectl))
        kubectl.wait_for_definitions()
        yield kubeconfig


def _manifests(kubectl: Kubectl) -> str:
    command = [str(ROOT / "scripts/manifests"), "devcluster", *IMAGES]
    environment = {"KUBECTL": " ".join(kubectl.command), "PATH": "/usr/bin:/bin"}
    return subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout


@pytest.fixture(scope="session")
def kubectl(apiserver: Path) -> Kubectl:
    """kubectl as the admin."""
    return Kubectl([str(go.build("kubernetes")), "kubectl"], apiserver)


@pytest.fixture(scope="session")
def operator_kubeconfig(apiserver: Path, kubectl: Kubectl, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The kubeconfig of the operator's own service account, with the permissions of manifests/ and no others."""
    return kubectl.kubeconfig_of("perennial-system", "perennial-operator", tmp_path_factory.mktemp("operator"))


@pytest.fixture
def namespace(kubectl: Kubectl) -> str:
    """A namespace of the test's own; nobody finishes deletions here, so it stays."""
    name = f"test-{next(_numbers)}"
    kubectl("create", "namespace", name)
    return name


@pytest.fixture
async def kube(apiserver: Path) -> AsyncIterator[KubeClient]:
    """The real client as the admin."""
    client = await KubeClient.connect(kubeconfig=str(apiserver))
    yield client
    await client.close()


@pytest.fixture
async def operator_kube(operator_kubeconfig: Path) -> AsyncIterator[KubeClient]:
    """The real client as the operator's service account."""
    client = await KubeClient.connect(kubeconfig=str(operator_kubeconfig))
    yield client
    await client.close()


@pytest.fixture
def start_operator(
    kubectl: Kubectl, operator_kubeconfig: Path, tmp_path: Path
) -> Iterator[Callable[..., OperatorProcess]]:
    """A function that starts `python -m perennial` as its service account; what it started ends with the test."""
    kubectl("-n", "perennial-system", "delete", "lease", "--all")
    started: list[OperatorProcess] = []

    def start(name: str = "operator-0", **settings: object) -> OperatorProcess:
        process = OperatorProcess(operator_kubeconfig, tmp_path / f"{name}-{len(started)}.log", name, settings)
        started.append(process)
        return process

    yield start
    for process in started:
        process.end()
