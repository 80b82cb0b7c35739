"""From watch events to keys in the queue, and every key again now and then."""

import asyncio
import random
from collections.abc import Callable

from perennial.core.known import Known
from perennial.core.metrics import Metrics
from perennial.core.queue import WorkQueue
from perennial.core.watches import Watch, key_of
from perennial.ports.kinds import Kind
from perennial.ports.kube import Object

RELIST_SECONDS = 1.0


class Enqueuer:
    """Belongs to the event loop of the queue."""

    def __init__(
        self,
        queue: WorkQueue,
        metrics: Metrics,
        resync_seconds: float,
        told: Callable[[Kind], None] = lambda _: None,
    ) -> None:
        """`told` is called with the kind of each object before its keys are added."""
        self._queue = queue
        self._told = told
        self._metrics = metrics
        self._resync_seconds = resync_seconds
        self._known = Known()
        self._relisted = asyncio.Event()

    def event(self, watch: Watch, type: str | None, obj: Object) -> None:  # noqa: A002  the field's name
        """A watch brought an object; `type` is ADDED, MODIFIED, DELETED, or None while a list is read."""
        self._metrics.watched(watch.kind.kind)
        self._told(watch.kind)
        if watch.own:
            key = key_of(watch.kind, obj)
            if type == "DELETED":
                self._known.forget(key)
            else:
                self._known.put(key, obj)
        for key in watch.route(obj, self._known):
            self._queue.add(key)
        if type is None and not watch.own:
            self._relisted.set()

    async def relist(self) -> None:
        """After a list of children every parent is looked at: those whose child vanished meanwhile got no event."""
        while True:
            await self._relisted.wait()
            await asyncio.sleep(RELIST_SECONDS)  # a list is many events
            self._relisted.clear()
            for key in self._known.all():
                self._queue.add(key)

    async def resync(self) -> None:
        """Every key once in every period, at a random moment of it: what no event told is seen at last."""
        while True:
            for key in self._known.all():
                self._queue.add_after(key, random.uniform(0, self._resync_seconds))  # noqa: S311
            await asyncio.sleep(self._resync_seconds)
