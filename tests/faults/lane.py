"""A lane: one namespace with its proxy, its players and one operator after the other; time moves when all rest."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from perennial.core.clock import FakeClock
from perennial.ports.kube import KubeClient
from perennial.ports.kube_api import Gate
from perennial.rollout import Verdict
from tests.faults.calls import OTHERS
from tests.faults.cluster import Cluster
from tests.faults.evidence import Verdicts
from tests.faults.faults import Fault, Passive
from tests.faults.invariants import Watchman
from tests.faults.mirror import Mirror, Moment
from tests.faults.program import CrashedError, Program
from tests.faults.proxy import Proxy
from tests.faults.timeline import told

QUIET_SECONDS = 7
"""More than the operator's shortest look again: when nothing is written for so long, nothing is under way."""
RESYNC_SECONDS = 300
PATIENCE_SECONDS = 3000


class Lane:
    """`run_until` a goal; a crash on the way is followed by a new process with an empty memory."""

    def __init__(self, mirror: Mirror, proxy: Proxy, kube: KubeClient, account: Path, folder: Path) -> None:
        self.mirror, self.proxy, self.kube = mirror, proxy, kube
        self.verdicts: Verdicts = {}
        self.clock = FakeClock(datetime.now(UTC).replace(microsecond=0))
        self.cluster = Cluster(kube, mirror, self.clock)
        self.watchman = Watchman(mirror)
        self.crashes = 0
        self.gate: Gate | None = None
        self.deaf: Callable[[Moment], bool] = lambda moment: False
        self.quiet_seconds = QUIET_SECONDS
        self._resynced = self.clock.monotonic()
        self._account, self._folder = account, folder
        self._program: Program | None = None
        mirror.listeners += [self.watchman.look, self._tell]

    def _tell(self, moment: Moment) -> None:
        if self._program is not None and not self.proxy.crashed.is_set() and not self.deaf(moment):
            self._program.told(moment)

    @property
    def fault(self) -> Fault:
        return self.proxy.fault

    def disturb(self, fault: Fault | None) -> None:
        """From now on this fault is at work, or none."""
        self.proxy.fault = fault or Passive()

    async def start(self) -> None:
        """A new operator."""
        self._program = await Program.start(
            self.proxy, self._account, self._folder, self.clock, self.verdicts, self.gate
        )

    async def stop(self) -> None:
        """The operator is no more; nothing of its memory is kept."""
        if self._program is not None:
            await self._program.close()
        self._program = None

    async def run_until(self, goal: Callable[[Mirror], bool], what: str, *, settle: bool = True) -> None:
        """Let everybody work until the goal is reached and, with `settle`, nobody has anything left to do.

        Raises AssertionError with the recorded timeline.
        """
        start = self.clock.monotonic()
        while not goal(self.mirror) or (settle and not await self._quiet()):
            if settle:
                await self._busy()
            elif await self._turn():
                continue
            late = self.clock.monotonic() - start > PATIENCE_SECONDS
            assert not late, f"{what}: not within {PATIENCE_SECONDS} s\n{told(self.mirror, self.fault)}"
            if not goal(self.mirror):
                self._tick()

    async def _quiet(self) -> bool:
        written = len(self.mirror.moments)
        for _ in range(self.quiet_seconds):
            await self._busy()
            if len(self.mirror.moments) > written:
                return False
            self._tick()
        return True

    async def _busy(self) -> None:
        """Until nobody has anything to do at this moment of the clock."""
        while await self._turn():
            pass

    async def _turn(self) -> bool:
        assert self._program is not None
        assert not self.watchman.found, f"{self.watchman.found[0]}\n{told(self.mirror, self.fault)}"
        try:
            if await self._program.work():
                return True
        except CrashedError:
            self.crashes += 1
            await self.stop()
            self.proxy.kill()
            await self.start()
            return True
        return await self.cluster.act()

    def evidence_says(self, version: str, step: int, verdict: Verdict) -> None:
        """From now on this is the verdict on a version at a step."""
        self.verdicts[version, step] = verdict
        assert self._program is not None
        self._program.evidence.poll()

    def resync(self) -> None:
        """The operator looks at everything again."""
        assert self._program is not None
        self._program.resync()

    def _tick(self) -> None:
        """A second passes; now and then the operator looks at everything again, whatever its watches have told."""
        self.clock.advance(1)
        if self._program is not None and self.clock.monotonic() - self._resynced >= RESYNC_SECONDS:
            self._resynced = self.clock.monotonic()
            self.resync()


@asynccontextmanager
async def lane(admin: Path, account: Path, folder: Path, namespace: str) -> AsyncIterator[Lane]:
    """A lane with a running operator, in a namespace that exists."""
    folder.mkdir(parents=True, exist_ok=True)  # noqa: ASYNC240  a moment, in a test
    mirror = Mirror(namespace)
    async with Proxy(admin, mirror) as proxy:
        others = proxy.kubeconfig(OTHERS, admin, folder / OTHERS)
        kube = await KubeClient.connect(kubeconfig=str(others))
        made = Lane(mirror, proxy, kube, account, folder)
        await made.start()
        try:
            yield made
        finally:
            await made.stop()
            await kube.close()
