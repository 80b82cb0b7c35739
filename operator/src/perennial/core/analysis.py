"""The metrics loop: one query per poll for all rollouts, evidence in memory, the queue called when a verdict changes.

Only this shell waits and fails; what samples mean is decided in `evidence` and `readings`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Generic, Protocol

from perennial.core import evidence, readings
from perennial.core.analysis_types import NOT_ROUTED, KeyT, Reading, Watched
from perennial.core.polling import (
    CHUNK_SECONDS,
    LOOKBACK_SECONDS,
    Grid,
    by_service,
    history_query,
    shared_query,
)
from perennial.ports.prometheus_types import PrometheusSource, PrometheusUnavailable, Series
from perennial.rollout.decision import Decision, HoldReason, Verdict, hold

__all__ = ["NOT_ROUTED", "Analysis", "Gauges", "Reading", "Watched"]

log = logging.getLogger(__name__)

HISTORIES_PER_POLL = 10
"""So that many rollouts beginning at once do not keep the others waiting."""
NOT_CONFIGURED = hold(
    HoldReason.METRICS_UNAVAILABLE, "No Prometheus is configured for the operator; set its prometheus-url."
)


class Clock(Protocol):
    """Where the time of day comes from."""

    def now(self) -> datetime:
        """UTC."""
        ...


@dataclass(frozen=True)
class Gauges(Generic[KeyT]):
    """One rollout as the operator's own metrics show it; evidence in natural logarithms."""

    key: KeyT
    weight: int
    evidence_rollback: float
    evidence_advance: float
    verdict: Verdict
    reason: str


@dataclass
class _Entry(Generic[KeyT]):
    watched: Watched[KeyT]
    progress: evidence.Progress | None = None
    reading: Reading | None = None
    changing: bool = False


class Analysis(Generic[KeyT]):
    """Follows rollouts. Use from one event loop.

    `source` is None where no Prometheus is configured: every rollout then holds with MetricsUnavailable. `on_change` is
    called with the key whenever verdict, reason or step of its reading changed; it must not block.
    """

    def __init__(
        self,
        source: PrometheusSource | None,
        clock: Clock,
        grid: Grid,
        on_change: Callable[[KeyT], None],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Nothing is asked before `run`."""
        self._source, self._clock, self._grid = source, clock, grid
        self._on_change, self._sleep = on_change, sleep
        self._entries: dict[KeyT, _Entry[KeyT]] = {}
        self._scraped = True

    def track(self, watched: Watched[KeyT]) -> None:
        """Follow this rollout, or learn of its new step and weight. Call it in every reconcile, before `read`."""
        entry = self._entries.get(watched.key)
        if entry is None or _begins_anew(entry.watched, watched):
            self._entries[watched.key] = _Entry(watched)
            return
        entry.changing = False
        if entry.progress is not None:
            entry.progress = evidence.changed(entry.progress, watched.weight_since.timestamp())
        moved = entry.watched.step != watched.step
        entry.watched = watched
        if moved and entry.progress is not None:
            # The verdict on the last step must not be taken for one on this step.
            entry.reading = self._judge(watched, entry.progress, None)

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
        return entry.reading if entry is not None else None

    def forget(self, key: KeyT) -> None:
        """The rollout is over."""
        self._entries.pop(key, None)

    def snapshot(self) -> list[Gauges[KeyT]]:
        """Every rollout that has been judged, for the operator's own metrics."""
        gauges = []
        for key, entry in self._entries.items():
            weight = entry.watched.plan.weights[entry.watched.step] if entry.watched.step != NOT_ROUTED else 0
            if (r := entry.reading) is not None:
                gauges.append(Gauges(key, weight, r.evidence_rollback, r.evidence_advance, r.verdict, r.reason))
        return gauges

    async def run(self) -> None:
        """Poll for ever, until cancelled."""
        while True:
            behind = False
            try:
                behind = await self.poll()
            except Exception:
                log.exception("a poll failed")
            pause = 0.0 if behind else self._grid.wait(self._clock.now().timestamp())
            await self._sleep(max(pause, 0.0))

    async def poll(self) -> bool:
        """One query for all rollouts, and their verdicts. True if there is more to catch up at once."""
        complete = self._grid.complete(self._clock.now().timestamp())
        self._begin_new(complete)
        problem = NOT_CONFIGURED if self._source is None else await self._read_histories(complete)
        following = [entry for entry in self._entries.values() if _follows(entry)]
        positions = [entry.progress.position for entry in following if entry.progress]
        until = min(complete, min(positions, default=complete) + self._grid.floor(CHUNK_SECONDS))
        answer: dict[tuple[str, str], list[Series]] = {}
        if following and problem is None:
            seconds = until - min(positions) + LOOKBACK_SECONDS
            answer, problem = await self._ask(shared_query(self._grid.job, seconds), until)
            self._scraped = readings.any_since(answer.values(), until - readings.stale_after(self._grid))
        behind = problem is None and until < complete
        for entry in list(self._entries.values()):
            self._follow(entry, answer, until, problem, behind)
            await asyncio.sleep(0)
        return behind

    def _begin_new(self, complete: float) -> None:
        for entry in self._entries.values():
            if entry.progress is None:
                with self._guarded(entry):
                    entry.progress = evidence.begin(entry.watched, self._grid, complete)

    @contextmanager
    def _guarded(self, entry: _Entry[KeyT]) -> Iterator[None]:
        """A rollout that cannot be judged holds, says so, and keeps no other from being judged."""
        try:
            yield
        except Exception:
            log.exception("the counts of %s could not be judged", entry.watched.key)
            self._publish(entry, readings.unjudged(entry.watched, self._clock.now()))

    async def _ask(self, promql: str, at: float) -> tuple[dict[tuple[str, str], list[Series]], Decision | None]:
        if self._source is None:
            return {}, NOT_CONFIGURED
        try:
            return by_service(await self._source.query(promql, at)), None
        except PrometheusUnavailable as error:
            log.warning("prometheus: %s (%s)", error.sentence, error.reason)
            return {}, hold(HoldReason.METRICS_UNAVAILABLE, f"{error.sentence} This never counts against a model.")

    async def _read_histories(self, complete: float) -> Decision | None:
        waiting = [entry for entry in self._entries.values() if _wants_history(entry, complete)]
        for entry in waiting[:HISTORIES_PER_POLL]:
            problem = await self._read_history(entry)
            if problem is not None:
                return problem
        return None

    async def _read_history(self, entry: _Entry[KeyT]) -> Decision | None:
        watched = entry.watched
        if entry.progress is None:
            return None
        services = (watched.canary, watched.stable)
        promql = history_query(self._grid.job, watched.namespace, services)
        answer, problem = await self._ask(promql, entry.progress.position)
        if problem is None:
            with self._guarded(entry):
                canary, stable = (answer.get((watched.namespace, service), []) for service in services)
                # Read again: `track` may have learned of a change of weight while Prometheus was asked.
                entry.progress = evidence.remember(entry.progress, evidence.scraped_of(canary, stable))
        return problem

    def _follow(
        self,
        entry: _Entry[KeyT],
        answer: dict[tuple[str, str], list[Series]],
        until: float,
        problem: Decision | None,
        behind: bool,
    ) -> None:
        if entry.progress is None or entry.changing or self._entries.get(entry.watched.key) is not entry:
            return
        before = entry.progress
        with self._guarded(entry):
            if problem is None and before.warmth is not None:
                # If it cannot be judged it is left out by its time: the loop must not ask for it for ever.
                entry.progress = replace(before, position=max(until, before.position))
                entry.progress = self._advanced(entry.watched, before, answer, until)
            reading = self._judge(entry.watched, entry.progress or before, problem)
            # What was good some time ago is no reason to move now; what was bad is one to go back.
            if not behind or reading.verdict is Verdict.ROLL_BACK:
                self._publish(entry, reading)

    def _advanced(
        self,
        watched: Watched[KeyT],
        progress: evidence.Progress,
        answer: dict[tuple[str, str], list[Series]],
        until: float,
    ) -> evidence.Progress:
        canary = answer.get((watched.namespace, watched.canary), [])
        stable = answer.get((watched.namespace, watched.stable), [])
        return evidence.follow(progress, watched, self._grid, evidence.scraped_of(canary, stable), until)

    def _judge(self, watched: Watched[KeyT], progress: evidence.Progress, problem: Decision | None) -> Reading:
        decision = readings.decide(watched, progress, self._grid, problem, self._scraped)
        return readings.reading(watched, progress, decision)

    def _publish(self, entry: _Entry[KeyT], reading: Reading) -> None:
        before, entry.reading = entry.reading, reading
        if before is None or _story(before) != _story(reading):
            self._on_change(entry.watched.key)


def _follows(entry: _Entry[KeyT]) -> bool:
    return entry.progress is not None and entry.progress.warmth is not None and not entry.changing


def _wants_history(entry: _Entry[KeyT], complete: float) -> bool:
    """Not before its last samples have arrived, so that a replay reads the same."""
    progress = entry.progress
    return progress is not None and progress.warmth is None and progress.position <= complete


def _story(reading: Reading) -> tuple[Verdict, str, int]:
    return reading.verdict, reading.reason, reading.step


def _begins_anew(before: Watched[KeyT], now: Watched[KeyT]) -> bool:
    """Another rollout, another plan, or the canary gets its first share: what was gathered is of another question."""
    entered = before.step == NOT_ROUTED and now.step != NOT_ROUTED
    names = (before.namespace, before.stable, before.canary) != (now.namespace, now.stable, now.canary)
    return entered or names or before.revision != now.revision or before.plan != now.plan
