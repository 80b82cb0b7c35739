"""The operator as a process of its own behind the proxy: real watches, a real lease, real time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from perennial.ports.kinds import LEASE
from perennial.ports.kube import KubeClient
from tests.apiserver.support import OperatorProcess
from tests.faults.calls import OPERATOR
from tests.faults.lane import Lane
from tests.faults.mirror import Mirror
from tests.faults.timeline import told

LEASE_TIMES = {"lease_seconds": 3, "renew_deadline_seconds": 2, "retry_seconds": 0.3}
SECONDS = 120


class Processes:
    """Operators of one lane, and the players that act beside them until a goal is reached."""

    def __init__(self, lane: Lane, admin: KubeClient, account: Path, folder: Path) -> None:
        self.lane, self._admin, self._account, self._folder = lane, admin, account, folder
        self.started: list[OperatorProcess] = []
        self.kills = 0

    def start(self, number: int | None = None, **settings: object) -> OperatorProcess:
        """The next process; with `number` it runs beside others."""
        proxy = self.lane.proxy
        number = proxy.living if number is None else number
        proxy.alive.add(number)
        name = f"{OPERATOR}-{number}"
        kubeconfig = proxy.kubeconfig(name, self._account, self._folder / name)
        given = {"namespaces": self.lane.mirror.namespace, "discovery_seconds": 1, **LEASE_TIMES, **settings}
        process = OperatorProcess(kubeconfig, self._folder / f"{name}.log", name, given)
        self.started.append(process)
        return process

    async def until(self, goal: Callable[[Mirror], bool], what: str) -> None:
        """Play until the goal is reached; a crash is a kill -9 and a new process."""
        deadline = time.monotonic() + SECONDS
        while not goal(self.lane.mirror):
            if self.lane.proxy.crashed.is_set():
                await self.kill()
                self.start()
            self.lane.clock.advance(1)
            if not await self.lane.cluster.act():
                await asyncio.sleep(0.1)
            late = time.monotonic() > deadline
            assert not late, f"{what}: not within {SECONDS} s\n{told(self.lane.mirror)}\n{self.started[-1].log[-3000:]}"
        assert not self.lane.watchman.found, f"{self.lane.watchman.found[0]}\n{told(self.lane.mirror)}"

    async def kill(self) -> None:
        """kill -9. The lease of a dead process would have to expire; here it is taken away."""
        self.started[-1].end()
        self.kills += 1
        self.lane.proxy.kill()
        await self.free_lease()

    async def free_lease(self) -> None:
        """Nobody leads."""
        for lease in await self._admin.list(LEASE, "perennial-system"):
            await self._admin.delete(LEASE, lease)


@asynccontextmanager
async def processes(lane: Lane, admin: Path, account: Path, folder: Path) -> AsyncIterator[Processes]:
    """Nothing is started yet; what is, ends with the context."""
    await lane.stop()
    kube = await KubeClient.connect(kubeconfig=str(admin))
    made = Processes(lane, kube, account, folder)
    await made.free_lease()
    try:
        yield made
    finally:
        for each in made.started:
            await asyncio.to_thread(each.end)
        await made.free_lease()
        await kube.close()
