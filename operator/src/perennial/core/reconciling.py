"""Reconcilers and the workers that run them."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import Protocol

from perennial.core.logs import key_context
from perennial.core.metrics import Metrics
from perennial.core.queue import Key, WorkQueue
from perennial.ports.kinds import Kind
from perennial.ports.kube import Conflict, KubeError, NotLeading

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Result:
    """What a pass asks for: another one after `requeue_after` seconds, or only when something changes."""

    requeue_after: float | None = None


class Reconciler(Protocol):
    """Brings one object of `kind` towards what its spec says, in one pass that never waits."""

    kind: Kind
    manager: str

    async def reconcile(self, namespace: str, name: str) -> Result:
        """One pass. An object that is gone is no error. Whatever it raises is retried with back-off."""


class Workers:
    """`count` workers that take keys of a queue and run the reconciler of the key's kind."""

    def __init__(self, queue: WorkQueue, reconcilers: Mapping[str, Reconciler], metrics: Metrics, count: int) -> None:
        self._queue = queue
        self._reconcilers = reconcilers
        self._metrics = metrics
        self._count = count
        self._under_way: set[Key] = set()
        self._ended = asyncio.Event()
        self._finishing = False

    @property
    def cut(self) -> bool:
        """Whether a pass was ended in its middle: a write of it may still be on its way."""
        return bool(self._under_way)

    async def finish(self) -> None:
        """Begin no more passes, and return when those under way have ended."""
        self._finishing = True
        while self._under_way:
            self._ended.clear()
            await self._ended.wait()

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as group:
            for number in range(self._count):
                group.create_task(self._work(), name=f"worker {number}")

    async def _work(self) -> None:
        while True:
            key = await self._queue.get()
            if self._finishing:
                return
            self._under_way.add(key)
            try:
                with key_context(key):
                    await self.process(key)
            finally:
                self._queue.done(key)
            # Not where a pass is cancelled: that one is cut.
            self._under_way.discard(key)
            self._ended.set()

    async def process(self, key: Key) -> None:
        """One pass over one key, its errors turned into a retry."""
        reconciler = self._reconcilers.get(key.kind)
        if reconciler is None:
            return
        started = perf_counter()
        outcome = await self._attempt(reconciler, key)
        self._metrics.reconciled(key.kind, outcome, perf_counter() - started)

    async def _attempt(self, reconciler: Reconciler, key: Key) -> str:
        try:
            result = await reconciler.reconcile(key.namespace, key.name)
        except Conflict as error:
            # Someone wrote in between. That is how it should be, so it is no line for people to read.
            log.debug("decided on a stale reading, again in %.1f s: %s", self._queue.retry(key), error)
            return "conflict"
        except NotLeading as error:
            log.warning("%s", error)
            self._queue.retry(key)
            return "error"
        except KubeError as error:
            seconds = self._queue.retry(key)
            log.warning("%s: %s; again in %.1f s", type(error).__name__, error, seconds)
            return "error"
        except Exception:  # a defect of one pass must not end the others
            log.exception("the pass failed; again in %.1f s", self._queue.retry(key))
            return "error"
        self._queue.forget(key)
        if result.requeue_after is not None:
            self._queue.add_after(key, result.requeue_after)
        return "success"
