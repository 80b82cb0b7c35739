"""`kubectl perennial watch` of a real rollout: in a terminal, in a log, once; with the operator's memory or without."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import pty
import signal
import socket
import struct
import termios
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
import yaml

from perennial.core.live import Answer, Board
from perennial.core.metrics import Metrics
from perennial.core.server import serving
from tests.apiserver.cli.conftest import Person
from tests.apiserver.modeldeployment.stage import CONTAINED, NAME, RESTRICTED, Stage
from tests.apiserver.modeldeployment.test_main_job import canary, first
from tests.apiserver.support import Kubectl, eventually

SYSTEM = "perennial-system"
TRACE = [
    {"time": 1000.0 + 10 * i, "step": 0, "weight": 10, "evidenceRollback": 0.0, "evidenceAdvance": 0.05 * i}
    for i in range(50)
]
READING = {
    "message": "Told by the leader.",
    "evidenceRollback": 0.0,
    "evidenceAdvance": 2.5,
    "boundRollback": 4.6,
    "boundAdvance": 3.0,
    "metrics": [{"name": "errors", "canaryRequests": 50, "canaryBad": 1, "stableRequests": 450, "stableBad": 9}],
    "expectedSeconds": 120.0,
    "at": "2026-11-24T12:00:00Z",
}


def address() -> str:
    """An address of this machine that is not its loopback, which an apiserver forwards nothing to."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))
        return str(probe.getsockname()[0])


@pytest.fixture
async def replicas(stage: Stage, installed: Kubectl) -> AsyncIterator[None]:
    """Two replicas of the operator's endpoint behind its Service; one leads and knows of the rollout."""

    def known(namespace: str, name: str) -> dict[str, Any] | None:
        return {"trace": TRACE, "reading": READING} if (namespace, name) == (stage.namespace, NAME) else None

    async with AsyncExitStack() as stack:
        ports = []
        answers: tuple[Answer | None, ...] = (None, known)
        for answer in answers:
            board = Board()
            board.answer = answer
            ports.append(await stack.enter_async_context(serving(Metrics(), 0, lambda: True, board)))
        for number in range(len(ports)):
            installed("create", "-f", "-", stdin=yaml.safe_dump(pod(number)))
            said = json.dumps({"status": {"podIP": address(), "podIPs": [{"ip": address()}]}})
            patch = ("patch", "pod", f"replica-{number}", "--subresource=status", "--type=merge", "-p", said)
            installed("-n", SYSTEM, *patch)
        installed("apply", "-f", "-", stdin=yaml.safe_dump(endpoints(ports)))
        yield


def pod(number: int) -> dict[str, Any]:
    """A pod that the kubelet would have started; the apiserver forwards to addresses of pods only."""
    container = {"name": "operator", "image": "x:1", "securityContext": CONTAINED}
    spec = {"securityContext": RESTRICTED, "containers": [container]}
    metadata = {"namespace": SYSTEM, "name": f"replica-{number}"}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def endpoints(ports: list[int]) -> dict[str, Any]:
    """What the endpoints controller would write: one replica for each port."""
    subsets = [
        {
            "addresses": [{"ip": address(), "targetRef": {"kind": "Pod", "namespace": SYSTEM, "name": f"replica-{i}"}}],
            "ports": [{"name": "metrics", "port": port, "protocol": "TCP"}],
        }
        for i, port in enumerate(ports)
    ]
    metadata = {"namespace": SYSTEM, "name": "perennial-operator"}
    return {"apiVersion": "v1", "kind": "Endpoints", "metadata": metadata, "subsets": subsets}


async def test_once_with_the_status_and_with_the_operators_memory(
    stage: Stage, viewer: Person, installed: Kubectl, replicas: None
) -> None:
    await first(stage)
    said = await viewer("watch", NAME, "--once")
    assert (said.code, said.err) == (0, "")
    assert f"{stage.namespace}/{NAME}  ● serves" in said.out
    await canary(stage)
    said = await viewer("watch", NAME, "--once")
    heads, row = installed("-n", stage.namespace, "get", "mdep", "-o", "wide").splitlines()
    assert heads.split()[1:8] == ["MODEL", "STABLE", "CANARY", "WEIGHT", "VERDICT", "READY", "AGE"]
    assert heads.split()[8:] == ["WAITING", "STALLED", "EXPECTED-SECONDS", "WHY", "URL"]
    assert row.split()[:5] == [NAME, NAME, "1", "2", "10"]
    assert "Version 2 gets 10 % of requests" in row
    assert "● rolls out version 2" in said.out
    assert "Version 2 gets 10 % of requests" in said.out
    assert said.out.splitlines()[-1] == (" No curves: ask for the role perennial-watch; shown is what the status says.")
    account = f"--serviceaccount={stage.namespace}:view"
    installed("-n", SYSTEM, "create", "rolebinding", stage.namespace, "--role=perennial-watch", account)

    async def drawn() -> bool:
        return "Told by the leader." in (await viewer("watch", NAME, "--once")).out

    await eventually(drawn, "the leader is asked, whichever replica answers first", 60)
    for _ in range(3):
        said = await viewer("watch", NAME, "--once")
        assert "Told by the leader." in said.out
        assert "No curves" not in said.out
        assert any(0x2801 <= ord(each) <= 0x28FF for each in said.out)
        assert "1 of 50 (2.00 %)" in said.out
        assert "promoted in about 2 min" in said.out


async def test_a_log_gets_a_line_for_each_change_and_ends_quietly(stage: Stage, viewer: Person) -> None:
    await first(stage)
    watching = await viewer.start("watch", NAME)
    assert watching.stdout is not None
    line = (await asyncio.wait_for(watching.stdout.readline(), 30)).decode()
    assert " stable 1 | serves | " in line
    await canary(stage)
    seen = line
    while "canary 2 at 10 %" not in seen:
        seen = (await asyncio.wait_for(watching.stdout.readline(), 30)).decode()
    watching.send_signal(signal.SIGINT)
    said = await viewer.end(watching)
    assert (said.code, said.err) == (130, "")


async def test_a_terminal_is_drawn_resized_and_given_back(stage: Stage, viewer: Person, installed: Kubectl) -> None:
    await first(stage)
    await canary(stage)
    ours, theirs = pty.openpty()
    resize(ours, 24, 80)
    environment = {"PATH": f"{viewer.plugins}:/usr/bin:/bin", "KUBECONFIG": str(viewer.kubeconfig)}
    command = [*installed.command, "perennial", "watch", NAME, "-n", stage.namespace]
    process = await asyncio.create_subprocess_exec(
        *command, stdin=theirs, stdout=theirs, stderr=theirs, env={**environment, "TERM": "xterm-256color"}
    )
    os.close(theirs)
    screen = Screen(ours)
    await screen.shows("rolls out version 2")
    resize(ours, 40, 132)
    process.send_signal(signal.SIGWINCH)
    await screen.shows("█" * 50, "a longer bar after the terminal grew")
    process.send_signal(signal.SIGINT)
    assert await asyncio.wait_for(process.wait(), 20) == 130
    await screen.shows("\x1b[?1049l", "the terminal is given back")
    assert "Traceback" not in screen.text
    os.close(ours)


def resize(terminal: int, rows: int, columns: int) -> None:
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


class Screen:
    """Everything that was written to a terminal."""

    def __init__(self, terminal: int) -> None:
        self._terminal, self._bytes = terminal, b""
        os.set_blocking(terminal, False)

    @property
    def text(self) -> str:
        try:
            self._bytes += os.read(self._terminal, 1 << 20)
        except (BlockingIOError, OSError):
            return self._bytes.decode(errors="replace")
        return self._bytes.decode(errors="replace")

    async def shows(self, words: str, what: str = "") -> None:
        async def there() -> bool:
            return words in self.text

        await eventually(there, what or words, 40)
