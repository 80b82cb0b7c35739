"""The real plugin, run by kubectl as a user who has a role of ours and nothing else."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest

from perennial.ports.kube import KubeClient
from tests.apiserver.installation import installation
from tests.apiserver.modeldeployment.stage import Stage
from tests.apiserver.support import Kubectl, until

ROOT = Path(__file__).parents[3]
_numbers = count(1)


@dataclass(frozen=True)
class Said:
    """What a command said, and its exit code."""

    code: int
    out: str
    err: str


class Person:
    """Runs `kubectl perennial` with a token of a service account in the namespace of the test."""

    def __init__(self, kubectl: Kubectl, kubeconfig: Path, plugins: Path, namespace: str) -> None:
        self._kubectl, self._namespace = kubectl, namespace
        self.kubeconfig, self.plugins = kubeconfig, plugins

    async def start(self, *words: str) -> asyncio.subprocess.Process:
        """Begin a command."""
        environment = {"PATH": f"{self.plugins}:/usr/bin:/bin", "KUBECONFIG": str(self.kubeconfig), "COLUMNS": "100"}
        command = [*self._kubectl.command, "perennial", *words, "--namespace", self._namespace]
        pipe = asyncio.subprocess.PIPE
        return await asyncio.create_subprocess_exec(*command, stdout=pipe, stderr=pipe, env=environment)

    async def end(self, process: asyncio.subprocess.Process) -> Said:
        """Wait for its end."""
        out, err = await asyncio.wait_for(process.communicate(), 60)
        assert process.returncode is not None
        return Said(process.returncode, out.decode(), err.decode())

    async def __call__(self, *words: str) -> Said:
        """A whole command."""
        return await self.end(await self.start(*words))


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kubectl]:
    """kubectl of an admin."""
    with installation(tmp_path_factory.mktemp("cli")) as kubectl:
        yield kubectl


@pytest.fixture(scope="session")
def plugins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the plugin as `make plugin` makes it."""
    directory = tmp_path_factory.mktemp("plugin")
    subprocess.run([ROOT / "scripts/plugin", sys.executable, directory], check=True, stdout=subprocess.DEVNULL)
    return directory


@pytest.fixture(scope="session")
def operator_kubeconfig(installed: Kubectl, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The operator's own service account."""
    return installed.kubeconfig_of("perennial-system", "perennial-operator", tmp_path_factory.mktemp("account"))


@pytest.fixture
async def stage(installed: Kubectl, operator_kubeconfig: Path) -> AsyncIterator[Stage]:
    """A namespace of the test's own, with the reconciler."""
    namespace = f"people-{next(_numbers)}"
    installed("create", "namespace", namespace)
    admin = await KubeClient.connect(kubeconfig=str(installed.kubeconfig))
    operator = await KubeClient.connect(kubeconfig=str(operator_kubeconfig))
    yield Stage(namespace, admin, operator, kubectl=installed)
    await operator.close()
    await admin.close()


def _person(stage: Stage, installed: Kubectl, plugins: Path, role: str, directory: Path) -> Person:
    namespace = ("-n", stage.namespace)
    installed(*namespace, "create", "serviceaccount", role)
    account = f"--serviceaccount={stage.namespace}:{role}"
    installed(*namespace, "create", "rolebinding", role, f"--clusterrole=perennial-{role}", account)
    directory.mkdir()
    kubeconfig = installed.kubeconfig_of(stage.namespace, role, directory)
    command = [*installed.command, f"--kubeconfig={kubeconfig}", *namespace, "get", "modeldeployments"]
    until(lambda: subprocess.run(command, capture_output=True).returncode == 0, "the binding is in force")
    return Person(installed, kubeconfig, plugins, stage.namespace)


@pytest.fixture
def editor(stage: Stage, installed: Kubectl, plugins: Path, tmp_path: Path) -> Person:
    """May change ModelDeployments of the namespace."""
    return _person(stage, installed, plugins, "edit", tmp_path / "edit")


@pytest.fixture
def viewer(stage: Stage, installed: Kubectl, plugins: Path, tmp_path: Path) -> Person:
    """May look at them."""
    return _person(stage, installed, plugins, "view", tmp_path / "view")
