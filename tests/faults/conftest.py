"""One apiserver for all lanes, with the real definitions of KServe and the Gateway API and our manifests."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from devcluster import go
from tests.apiserver.installation import installation
from tests.apiserver.support import Kubectl
from tests.faults import lane as lanes
from tests.faults.lane import Lane
from tests.faults.recording import Recording, record
from tests.faults.story import ACTS, Act

SHARED = "PERENNIAL_FAULTS_KUBECONFIG"
"""A kubeconfig of an apiserver that is installed already: the tests that a mutant is run against share ours."""
_numbers = count(1)

Recorded = Callable[..., Awaitable[Recording]]
OpenLane = Callable[[], AbstractAsyncContextManager[Lane]]


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """How many crashes there were, over all processes that shared the work."""
    told = [entry for each in terminalreporter.getreports("passed") for entry in each.user_properties]
    crashes = [counts for name, counts in told if name == "crashes"]
    if crashes:
        writes = max(number for name, number in told if name == "effective writes")
        runs, killed, lost = map(sum, zip(*crashes, strict=True))
        terminalreporter.write_line(
            f"{writes} effective writes x 2 variants: {killed} crashes in {runs} runs, all converged"
        )
        terminalreporter.write_line(f"{lost} events were lost with their operator, none was told twice")


@pytest.fixture(scope="session")
def admin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The kubeconfig of an admin of the apiserver."""
    shared = os.environ.get(SHARED)
    if shared:
        yield Path(shared)
        return
    with installation(tmp_path_factory.mktemp("apiserver")) as kubectl:
        take_gateway(kubectl)
        yield kubectl.kubeconfig


def take_gateway(kubectl: Kubectl) -> None:
    """The gateway's controller says that it took the Gateway."""
    now = "2026-01-01T00:00:00Z"
    said = {"status": "True", "reason": "Played", "message": "", "lastTransitionTime": now}
    status = {"status": {"conditions": [{"type": kind, **said} for kind in ("Accepted", "Programmed")]}}
    place = ["-n", "envoy-gateway-system", "gateway.gateway.networking.k8s.io", "gw"]
    kubectl("patch", *place, "--subresource=status", "--type=merge", "-p", json.dumps(status))


@pytest.fixture(scope="session")
def kubectl(admin: Path) -> Kubectl:
    return Kubectl([str(go.build("kubernetes")), "kubectl"], admin)


@pytest.fixture(scope="session")
def account(kubectl: Kubectl, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The kubeconfig of the operator's service account, with the permissions of manifests/ and no others."""
    return kubectl.kubeconfig_of("perennial-system", "perennial-operator", tmp_path_factory.mktemp("account"))


@pytest.fixture
def open_lane(admin: Path, account: Path, kubectl: Kubectl, tmp_path: Path) -> OpenLane:
    """A context with a lane in a namespace of its own."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[Lane]:
        number = next(_numbers)
        namespace = f"lane-{os.getpid()}-{number}"
        kubectl("create", "namespace", namespace)
        async with lanes.lane(admin, account, tmp_path / str(number), namespace) as made:
            yield made

    return opened


@pytest.fixture(scope="session")
def _recordings() -> dict[tuple[Act, ...], Recording]:
    return {}


@pytest.fixture
def recorded(_recordings: dict[tuple[Act, ...], Recording], open_lane: OpenLane) -> Recorded:
    """The undisturbed run of a story, recorded once."""

    async def of(acts: tuple[Act, ...] = ACTS) -> Recording:
        if acts not in _recordings:
            async with open_lane() as lane:
                _recordings[acts] = await record(lane, acts)
        return _recordings[acts]

    return of


@pytest.fixture
async def lane(open_lane: OpenLane) -> AsyncIterator[Lane]:
    """One lane."""
    async with open_lane() as made:
        yield made
