"""The commands for a pipeline in docs/gitops.md, run by bash against a played cluster."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from perennial.ports.kube import KubeClient
from perennial.rollout import Verdict
from tests.apiserver.gitops.flights import Flights
from tests.apiserver.gitops.repository import EXAMPLES, Repository
from tests.apiserver.support import Kubectl

ROOT = Path(__file__).parents[3]
SCRIPTS = dict(re.findall(r"```bash\n# test: ([a-z-]+)\n(.*?)```", (ROOT / "docs/gitops.md").read_text(), re.S))
Run = Callable[[str], Awaitable[asyncio.subprocess.Process]]


@pytest.fixture
async def flights(
    tmp_path: Path, kubectl: Kubectl, gateways: None, namespace: str, kube: KubeClient, operator_kube: KubeClient
) -> Flights:
    """Version 1 serves; the files of the repository are in tmp_path."""
    repository = Repository(tmp_path, kubectl, namespace, "client-side")
    repository.commit("namespace.yaml", "deployment.yaml", "v1.yaml")
    repository.apply()
    repository.commit("v2.yaml")
    flights = Flights(namespace, kube, operator_kube)
    for _ in range(8):
        await flights.step()
        await flights.play()
    assert (await flights.conditions())["UpToDate"][0] == "True"
    return flights


@pytest.fixture
def run(tmp_path: Path, kubectl: Kubectl, namespace: str) -> Run:
    """Starts a script of the page; its `kubectl` is in the flights' namespace."""
    program = tmp_path / "bin/kubectl"
    program.parent.mkdir()
    words = " ".join([*kubectl.command, f"--kubeconfig={kubectl.kubeconfig}", f"--namespace={namespace}"])
    program.write_text(f'#!/bin/bash\nexec {words} "$@"\n')
    program.chmod(0o755)
    path = f"{program.parent}:{os.environ['PATH']}"

    async def started(script: str) -> asyncio.subprocess.Process:
        command = f"set -eu -o pipefail\n{SCRIPTS[script]}"
        return await asyncio.create_subprocess_exec(
            "bash", "-c", command, cwd=tmp_path, env={"PATH": path}, stdout=-1, stderr=-1
        )

    return started


async def followed(flights: Flights, process: asyncio.subprocess.Process, verdict: Callable[[], None]) -> bytes:
    """Passes while the script runs; its exit code is then known, and its standard error is returned."""
    ended = asyncio.ensure_future(process.communicate())
    for _ in range(400):
        await flights.step()
        await flights.play()
        verdict()
        if ended.done():
            break
        await asyncio.wait([ended], timeout=0.2)
    return (await asyncio.wait_for(ended, 30))[1]


async def test_wait_for_what_was_applied(flights: Flights, run: Run, tmp_path: Path) -> None:
    text = (tmp_path / "deployment.yaml").read_text()
    changed = text.replace("replicas: 1", "env: [{name: SOME, value: thing}]")
    assert changed != text
    (tmp_path / "deployment.yaml").write_text(changed)
    process = await run("wait-for-what-was-applied")
    # The old UpToDate=True is not taken for the new one: the operator has not looked yet.
    while await flights.generation() == 1:
        assert process.returncode is None
        await asyncio.sleep(0.05)
    assert (await flights.conditions())["UpToDate"][0] == "True"
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(process.wait(), 3)
    assert await followed(flights, process, flights.evidence) == b""
    assert process.returncode == 0
    assert [each["outcome"] for each in (await flights.status())["history"]] == ["Promoted", "Deployed"]


async def test_wait_for_the_version_of_a_run(flights: Flights, run: Run) -> None:
    process = await run("wait-for-the-version-of-a-run")
    assert await followed(flights, process, flights.evidence) == b""
    assert process.returncode == 0
    assert (await flights.status())["stable"]["version"] == 2


async def test_fail_fast(flights: Flights, run: Run, kubectl: Kubectl, tmp_path: Path) -> None:
    kubectl("apply", "-f", str(tmp_path / "v2.yaml"))
    for _ in range(8):
        await flights.step()
        await flights.play()
    process = await run("fail-fast")

    def worse() -> None:
        flights.analysis.says(Verdict.ROLL_BACK, message="It is worse.")

    said = await followed(flights, process, worse)
    assert process.returncode == 1
    assert b"It is worse." in said


async def test_fail_fast_succeeds(flights: Flights, run: Run) -> None:
    process = await run("fail-fast")
    assert await followed(flights, process, flights.evidence) == b""
    assert process.returncode == 0


def test_every_script_of_the_page_is_run() -> None:
    assert set(SCRIPTS) == {"wait-for-what-was-applied", "wait-for-the-version-of-a-run", "fail-fast"}
    assert (EXAMPLES / "v2.yaml").read_text().count("january-to-march\n") == 1
