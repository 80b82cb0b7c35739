"""A real apiserver with our manifests and the real definitions of KServe and the Gateway API."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from itertools import count
from pathlib import Path

import pytest

from perennial.ports.kube import KubeClient
from tests.apiserver.installation import installation
from tests.apiserver.modeldeployment.stage import Stage
from tests.apiserver.support import Kubectl

_numbers = count(1)


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kubectl]:
    """kubectl of an admin."""
    with installation(tmp_path_factory.mktemp("modeldeployment")) as kubectl:
        yield kubectl


@pytest.fixture(scope="session")
def operator_kubeconfig(installed: Kubectl, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The operator's own service account: a verb that its role lacks fails the test."""
    return installed.kubeconfig_of("perennial-system", "perennial-operator", tmp_path_factory.mktemp("account"))


@pytest.fixture
async def stage(installed: Kubectl, operator_kubeconfig: Path) -> AsyncIterator[Stage]:
    """A namespace of the test's own, with the reconciler that is tested."""
    namespace = f"stage-{next(_numbers)}"
    installed("create", "namespace", namespace)
    admin = await KubeClient.connect(kubeconfig=str(installed.kubeconfig))
    operator = await KubeClient.connect(kubeconfig=str(operator_kubeconfig))
    yield Stage(namespace, admin, operator, kubectl=installed)
    await operator.close()
    await admin.close()
