"""The work queue: which objects to look at, each once at a time. Modelled on client-go's workqueue."""

import asyncio
import heapq
import itertools
import random
from collections import OrderedDict
from dataclasses import dataclass

from perennial.core.clock import Clock

BASE_SECONDS = 0.5
CAP_SECONDS = 60.0


@dataclass(frozen=True, order=True)
class Key:
    """An object of ours: its kind by name (`ModelDeployment`), its namespace, its name."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.namespace}/{self.name}"


class WorkQueue:
    """Keys to reconcile. Not thread-safe: belongs to one event loop.

    A key is worked on by one worker at a time; adding it while it is, means one more pass after `done`. Adding it
    while it waits changes nothing.
    """

    def __init__(self, clock: Clock, rng: random.Random | None = None) -> None:
        self._clock = clock
        self._random = rng or random.Random()  # noqa: S311  jitter is no secret
        self._ready: OrderedDict[Key, float] = OrderedDict()  # key -> when it was added
        self._busy: set[Key] = set()
        self._again: dict[Key, float] = {}
        self._later: list[tuple[float, int, Key]] = []
        self._due: dict[Key, float] = {}
        self._failures: dict[Key, int] = {}
        self._order = itertools.count()
        self._changed = asyncio.Event()

    def add(self, key: Key) -> None:
        """Have the key looked at soon."""
        if key in self._busy:
            self._again.setdefault(key, self._clock.monotonic())
            return
        self._ready.setdefault(key, self._clock.monotonic())
        self._changed.set()

    def add_after(self, key: Key, seconds: float) -> None:
        """Have the key looked at after `seconds`; of several delays of a key the earliest counts."""
        if seconds <= 0:
            self.add(key)
            return
        due = self._clock.monotonic() + seconds
        if self._due.get(key, due + 1) <= due:
            return
        self._due[key] = due
        heapq.heappush(self._later, (due, next(self._order), key))
        self._changed.set()

    def retry(self, key: Key) -> float:
        """Have the key looked at after its back-off, which doubles with each failure; return the seconds.

        0.5 * 2^n, at most 60 s, of which the last half is random so that many failures do not return as one.
        """
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        full = min(CAP_SECONDS, BASE_SECONDS * 2.0 ** min(failures, 16))
        seconds = full * (0.5 + 0.5 * self._random.random())
        self.add_after(key, seconds)
        return seconds

    def forget(self, key: Key) -> None:
        """The key's work succeeded: its back-off starts anew."""
        self._failures.pop(key, None)

    def take(self) -> Key | None:
        """The key that waits longest, which is busy from now on until `done`; None if none waits."""
        self._promote()
        if not self._ready:
            return None
        key, _ = self._ready.popitem(last=False)
        self._busy.add(key)
        return key

    async def get(self) -> Key:
        """Wait for a key; it is busy until `done`."""
        while (key := self.take()) is None:
            self._changed.clear()
            try:
                await asyncio.wait_for(self._changed.wait(), self._until_due())
            except TimeoutError:
                continue
        return key

    def done(self, key: Key) -> None:
        """The pass over the key has ended; if it was added meanwhile, it waits again."""
        self._busy.discard(key)
        added = self._again.pop(key, None)
        if added is not None:
            self._ready.setdefault(key, added)
            self._changed.set()

    def depth(self) -> int:
        """How many keys wait now; those for later do not count."""
        self._promote()
        return len(self._ready) + len(self._again)

    def oldest_seconds(self) -> float:
        """For how long the longest waiting key has waited."""
        added = [*self._ready.values(), *self._again.values()]
        return self._clock.monotonic() - min(added) if added else 0.0

    def _until_due(self) -> float | None:
        return max(0.0, self._later[0][0] - self._clock.monotonic()) if self._later else None

    def _promote(self) -> None:
        now = self._clock.monotonic()
        while self._later and self._later[0][0] <= now:
            due, _, key = heapq.heappop(self._later)
            if self._due.get(key) == due:  # else an earlier delay has replaced it
                del self._due[key]
                self.add(key)
