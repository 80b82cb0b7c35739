"""The metrics loop: few queries per poll for all rollouts, evidence in memory, the queue called at every change.

Only this shell and its parts `polls` and `backward` wait and fail; what samples mean is decided in `evidence` and
`readings`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic

from perennial.core import readings
from perennial.core.analysis_types import NOT_ROUTED, KeyT, Reading, TracePoint, Watched
from perennial.core.entries import Entry, begins_anew
from perennial.core.polling import Grid
from perennial.core.polls import Clock, Polls
from perennial.core.sources import Source, Sources
from perennial.rollout.decision import Verdict

__all__ = ["NOT_ROUTED", "Analysis", "Gauges", "Reading", "TracePoint", "Watched"]


@dataclass(frozen=True)
class Gauges(Generic[KeyT]):
    """One rollout as the operator's own metrics show it; evidence in natural logarithms.

    `expected_seconds` is the time to promotion as it was last reckoned, None if unknown.
    """

    key: KeyT
    weight: int
    evidence_rollback: float
    evidence_advance: float
    verdict: Verdict
    reason: str
    expected_seconds: float | None = None


class Analysis(Generic[KeyT]):
    """Follows rollouts. Use from one event loop.

    A rollout whose source or metrics are not in `sources` holds with MetricsUnavailable. `on_change` is called with the
    key whenever verdict, reason or step of its reading changed; it must not block.
    """

    def __init__(
        self,
        sources: Sources,
        clock: Clock,
        grid: Grid,
        on_change: Callable[[KeyT], None],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Nothing is asked before `run`."""
        self._sources, self._clock, self._grid = sources, clock, grid
        self._on_change, self._sleep = on_change, sleep
        self._entries: dict[KeyT, Entry[KeyT]] = {}
        # The default source has two names.
        self._polls = [self._of(source) for source in {id(each): each for each in sources.by_name.values()}.values()]

    def _of(self, source: Source) -> Polls[KeyT]:
        def current() -> list[Entry[KeyT]]:
            return [each for each in self._entries.values() if self._source(each.watched) is source]

        def alive(entry: Entry[KeyT]) -> bool:
            return self._entries.get(entry.watched.key) is entry

        return Polls(source, self._clock, self._grid, current, alive, self._on_change)

    def _source(self, watched: Watched[KeyT]) -> Source | None:
        return self._sources.by_name.get(watched.source)

    def track(self, watched: Watched[KeyT]) -> None:
        """Follow this rollout, or learn of its new step and weight. Call it in every reconcile, before `read`."""
        entry = self._entries.get(watched.key)
        if entry is None or begins_anew(entry.watched, watched):
            self._entries[watched.key] = self._begin(watched)
            return
        moved = entry.watched.step != watched.step
        entry.tracked(watched)
        if moved and entry.progress is not None and entry.question is not None:
            entry.step_changed(readings.decide(watched, entry.progress, self._grid, entry.question))

    def _begin(self, watched: Watched[KeyT]) -> Entry[KeyT]:
        source, metrics = self._source(watched), watched.metrics
        problem = self._sources.problem(watched.source, watched.namespace, metrics)
        if problem is None and source is not None:
            return Entry(watched, source.question(metrics))
        entry = Entry(watched)
        if entry.fail(self._clock.now(), problem or ""):
            self._on_change(watched.key)
        return entry

    def changing(self, key: KeyT) -> None:
        """Call just before the route's weights are written: nothing is counted until `track` says what they are.

        What is missed meanwhile is read from Prometheus afterwards, so that a slow write cannot put requests of two
        weights into one batch. A write that failed is followed by a `track` with what the route still has.
        """
        entry = self._entries.get(key)
        if entry is not None:
            entry.changing = True

    def read(self, key: KeyT) -> Reading | None:
        """The latest reading at the tracked step; None before the first poll."""
        entry = self._entries.get(key)
        return entry.reading(self._grid) if entry is not None else None

    def trace(self, key: KeyT) -> list[TracePoint]:
        """The evidence of the last hour at most, the oldest first; empty before any, and of a rollout not followed."""
        entry = self._entries.get(key)
        return entry.trace.points() if entry is not None else []

    def forget(self, key: KeyT) -> None:
        """The rollout is over."""
        self._entries.pop(key, None)

    def snapshot(self) -> list[Gauges[KeyT]]:
        """Every rollout that has been judged, for the operator's own metrics."""
        found = (_gauges(entry) for entry in self._entries.values())
        return [gauges for gauges in found if gauges is not None]

    async def run(self) -> None:
        """Poll for ever, until cancelled. Each source is polled by itself: one that hangs keeps no other waiting."""
        if not self._polls:
            await asyncio.Event().wait()
        async with asyncio.TaskGroup() as group:
            for polls in self._polls:
                group.create_task(polls.run(self._sleep))

    async def poll(self) -> bool:
        """One poll of each source. True if there is more to catch up at once."""
        return any([await polls.poll() for polls in self._polls])


def _gauges(entry: Entry[KeyT]) -> Gauges[KeyT] | None:
    story, watched = entry.story, entry.watched
    if story is None:
        return None
    verdict, reason, step = story
    state = entry.judged.progress.state if entry.judged is not None and entry.failed is None else None
    routed = step != NOT_ROUTED
    return Gauges(
        watched.key,
        round(100 * watched.plan.share(step)) if routed else 0,
        state.log_rollback if state else 0.0,
        state.log_advance(step) if state and routed else 0.0,
        verdict,
        reason,
        entry.forecast.seconds if entry.forecast else None,
    )
