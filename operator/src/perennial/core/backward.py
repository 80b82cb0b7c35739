"""Reads what was before a rollout's first interval: for many that begin together with few queries."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Generic

from perennial.core import histories
from perennial.core.analysis_types import KeyT
from perennial.core.asking import Answered, ask
from perennial.core.counting.buckets import Buckets
from perennial.core.counting.family import Wanted
from perennial.core.counting.ratio import doubled
from perennial.core.entries import Entry
from perennial.core.polling import HISTORY_SECONDS, Grid
from perennial.core.progress import Progress
from perennial.core.sources import ERRORS, Source
from perennial.rollout.bursts import Pods
from perennial.rollout.decision import Decision, HoldReason, hold

_PODS = "pods of stable"
FRESH, RESUMED = 5, 100
"""Rollouts whose past is read by one query: an hour of those that begin, minutes of those that go on."""
NEAR_SECONDS = 300.0

Guard = Callable[[Entry[KeyT]], AbstractContextManager[None]]


class Backward(Generic[KeyT]):
    """Reads the past of rollouts of one source; `guarded` keeps one that cannot be read from stopping the others."""

    def __init__(self, source: Source, grid: Grid, guarded: Guard[KeyT]) -> None:
        """Nothing is asked before `read`."""
        self._source, self._grid, self._guarded = source, grid, guarded

    @staticmethod
    def batch(waiting: Sequence[Entry[KeyT]]) -> list[Entry[KeyT]]:
        """Those of the waiting that are read together with the first."""
        first = waiting[0].progress
        assert first is not None
        alike = [entry for entry in waiting if entry.progress and _alike(entry.progress, first)]
        return alike[: FRESH if first.state is None else RESUMED]

    async def read(self, entries: Sequence[Entry[KeyT]]) -> dict[int, Decision]:
        """Make all of them ready. Of those that could not be: the hold, by index."""
        found: dict[str, Answered] = {}
        for name in sorted({name for entry in entries if entry.question for name in entry.question.families}):
            found[name] = await self._ask(name, entries)
        found[_PODS] = await self._pods(entries)
        problem = next((each.problem for each in found.values() if each.problem is not None), None)
        if problem is not None:
            return dict.fromkeys(range(len(entries)), problem)
        known, problems = dict[int, Progress](), dict[int, Decision]()
        for index, entry in enumerate(entries):
            with self._guarded(entry):
                now = self._remember(entry, found)
                if isinstance(now, Decision):
                    problems[index] = now
                else:
                    known[index] = now
            await asyncio.sleep(0)
        problem = await self._older(entries, known)
        if problem is not None:
            return dict.fromkeys(range(len(entries)), problem)
        for index, now in known.items():
            # Read again: `track` may have learned of a change of weight while Prometheus was asked.
            before = entries[index].progress
            entries[index].progress = replace(now, changes=before.changes if before else now.changes)
        return problems

    async def _ask(self, name: str, entries: Sequence[Entry[KeyT]]) -> Answered:
        family = self._source.families[name]
        spans = [histories.before(entry.progress) for entry in entries if entry.progress]
        start, end = min(span.start for span in spans), max(span.end for span in spans)
        asking = [entry.watched for entry in entries if entry.question and name in entry.question.families]
        owners = tuple((each.namespace, isvc) for each in asking for isvc in (each.canary, each.stable))
        return await ask(self._source.other, family.query(end - start, Wanted(owners)), end, family.owner)

    async def _pods(self, entries: Sequence[Entry[KeyT]]) -> Answered:
        """Single pods of the stable versions of those that begin."""
        fresh = [entry for entry in entries if entry.progress and entry.progress.state is None]
        if self._source.pods is None or not fresh:
            return Answered({})
        spans = [histories.before(entry.progress) for entry in fresh if entry.progress]
        start, end = min(span.start for span in spans), max(span.end for span in spans)
        wanted = Wanted(tuple((entry.watched.namespace, entry.watched.stable) for entry in fresh))
        return await ask(self._source.other, self._source.pods.query(end - start, wanted), end, self._source.pods.owner)

    def _remember(self, entry: Entry[KeyT], found: Mapping[str, Answered]) -> Progress | Decision:
        question, now = entry.question, entry.progress
        assert question is not None
        assert now is not None
        scraped = {
            name: histories.scraped_of(family, entry.watched, found[name].series, now.bounds.get(name), now.position)
            for name, family in question.families.items()
        }
        twice = next((name for name in scraped if name != ERRORS and doubled(scraped[name].stable)), None)
        if twice is not None:
            return hold(HoldReason.METRICS_UNAVAILABLE, _twice(twice))
        return histories.remember(now, question, self._grid, scraped, self._of_pods(entry, now, found[_PODS]))

    def _of_pods(self, entry: Entry[KeyT], now: Progress, pods: Answered) -> Pods:
        if self._source.pods is None or now.state is not None:
            return Pods()
        start = now.position - HISTORY_SECONDS
        series = [
            (each.labels, [sample for sample in each.samples if sample[0] <= now.position])
            for each in pods.series.get((entry.watched.namespace, entry.watched.stable), ())
        ]
        return self._source.pods.pods(series, start, now.position, self._grid.poll_seconds)

    async def _older(self, entries: Sequence[Entry[KeyT]], known: dict[int, Progress]) -> Decision | None:
        """A longer history of those that need it, into `known`."""
        needed = sorted({name for now in known.values() for name in now.warmth.metrics})
        for name in needed:
            lacking = [index for index, now in known.items() if now.state is None and histories.lacks_bad(now, name)]
            if not lacking:
                continue
            answered = await self._ask_older(name, [(entries[index], known[index]) for index in lacking])
            if answered.problem is not None:
                return answered.problem
            for index in lacking:
                with self._guarded(entries[index]):
                    known[index] = self._with_older(entries[index], known[index], name, answered)
                await asyncio.sleep(0)
        return None

    async def _ask_older(self, name: str, lacking: Sequence[tuple[Entry[KeyT], Progress]]) -> Answered:
        family = self._source.families[name]
        spans = [histories.older(now) for _, now in lacking]
        start, end = min(span.start for span in spans), max(span.end for span in spans)
        owners = tuple((entry.watched.namespace, entry.watched.stable) for entry, _ in lacking)
        bounds = {now.bounds[name] for _, now in lacking if name in now.bounds}
        edges = {label for edge in bounds for label in family.labels_of(edge)} if isinstance(family, Buckets) else ()
        raw = family.query(end - start, Wanted(owners, tuple(sorted(edges))))
        return await ask(
            self._source.other, f"{raw.removesuffix(']')}:{histories.COARSE_SECONDS:.0f}s]", end, family.owner
        )

    def _with_older(self, entry: Entry[KeyT], now: Progress, name: str, answered: Answered) -> Progress:
        assert entry.question is not None
        family, bound, until = entry.question.families[name], now.bounds.get(name), histories.older(now).end
        scraped = histories.scraped_of(family, entry.watched, answered.series, bound, until)
        return histories.remember_older(now, entry.question, {name: scraped.stable})


def _alike(one: Progress, other: Progress) -> bool:
    return (one.state is None) == (other.state is None) and abs(one.position - other.position) <= NEAR_SECONDS


def _twice(name: str) -> str:
    return (
        f"Prometheus has the samples of the metric {name} twice, from two servers that it does not tell apart: name "
        "the label that does in replicaLabels of the source."
    )
