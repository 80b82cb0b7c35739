"""The operator's program in this process: its queue, workers and reconcilers over the real client, without kopf.

Watches are played: what the proxy has recorded is told to the operator's own Enqueuer, so a pass takes place only when
an event, a requeue or a resync asks for it, as in the running operator. Time is a clock that stands still until
nothing is left to do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

from perennial.controllers import registry
from perennial.core.clock import FakeClock
from perennial.core.enqueue import Enqueuer
from perennial.core.events import EventRecorder
from perennial.core.metrics import Metrics
from perennial.core.queue import Key, WorkQueue
from perennial.core.reconciling import Workers
from perennial.core.services import Services
from perennial.core.settings import Settings
from perennial.core.watches import CONTROLLER_LABEL, WATCHES
from perennial.ports.kube import KubeClient
from perennial.ports.kube_api import Gate
from tests.faults.calls import OPERATOR, Object
from tests.faults.evidence import PlayedEvidence, Verdicts
from tests.faults.mirror import Mirror, Moment
from tests.faults.proxy import Proxy

SETTINGS = Settings(trainer_image="localhost/perennial-trainer:test", namespace="perennial-system", pod_name="test")


class Program:
    """One process: start it, give it keys by `told`, let it `work`. `close` after its end."""

    def __init__(self, kube: KubeClient, proxy: Proxy, clock: FakeClock, verdicts: Verdicts) -> None:
        self._kube, self._proxy = kube, proxy
        self.queue = WorkQueue(clock)
        metrics = Metrics()
        events = EventRecorder(kube, clock, "test")
        self.evidence = PlayedEvidence(verdicts, _version_in(proxy.mirror), self.queue.add)
        services = Services(kube, clock, SETTINGS, events, metrics, self.queue.add)
        with patch.object(registry, "Analysis", lambda *_: self.evidence):
            reconcilers = registry.build(services).reconcilers
        self._workers = Workers(self.queue, {each.kind.kind: each for each in reconcilers}, metrics, 1)
        self._enqueuer = Enqueuer(self.queue, metrics, SETTINGS.resync_seconds)
        for obj in [*proxy.mirror.objects.values()]:
            self._tell(None, obj)

    @classmethod
    async def start(
        cls,
        proxy: Proxy,
        account: Path,
        folder: Path,
        clock: FakeClock,
        verdicts: Verdicts,
        gate: Gate | None = None,
    ) -> Program:
        """A new process with an empty memory; it lists everything first."""
        who = f"{OPERATOR}-{proxy.living}"
        kube = await KubeClient.connect(kubeconfig=str(proxy.kubeconfig(who, account, folder / who)))
        return cls(kube if gate is None else kube.gated(gate), proxy, clock, verdicts)

    async def close(self) -> None:
        """Close what is left of its connections."""
        await self._kube.close()

    def told(self, moment: Moment) -> None:
        """The watches bring what someone has written."""
        if moment.after is None:
            self._tell("DELETED", moment.before or {})
        else:
            self._tell("MODIFIED" if moment.before else "ADDED", moment.after)

    def _tell(self, type: str | None, obj: Object) -> None:  # noqa: A002
        for watch in WATCHES:
            chosen = watch.selector is None or CONTROLLER_LABEL in (obj["metadata"].get("labels") or {})
            if watch.kind.kind == obj.get("kind") and chosen:
                self._enqueuer.event(watch, type, obj)

    def resync(self) -> None:
        """Every object is looked at again, as the operator does it now and then."""
        for obj in [*self._proxy.mirror.objects.values()]:
            self._tell(None, obj)

    async def work(self) -> bool:
        """One pass over the next key; whether there was one. Raises Crashed when the proxy killed the process."""
        key = self.queue.take()
        if key is None:
            return False
        await self._unless_crashed(key)
        self.queue.done(key)
        return True

    async def _unless_crashed(self, key: Key) -> None:
        passing = asyncio.ensure_future(self._workers.process(key))
        crashed = asyncio.ensure_future(self._proxy.crashed.wait())
        await asyncio.wait({passing, crashed}, return_when=asyncio.FIRST_COMPLETED)
        crashed.cancel()
        if self._proxy.crashed.is_set():
            passing.cancel()
            await asyncio.wait({passing})
            raise CrashedError
        passing.result()


class CrashedError(Exception):
    """The process was killed in the middle of a pass."""


def _version_in(mirror: Mirror) -> Callable[[str], str]:
    return lambda service: mirror.logical(service).rpartition("-")[2]
