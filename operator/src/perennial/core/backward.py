"""Reads what was before a rollout's first interval: for many that begin together with few queries."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
from perennial.core.evidence import Scraped
from perennial.core.histories import Span
from perennial.core.polling import HISTORY_SECONDS, Grid
from perennial.core.progress import Progress, Question
from perennial.core.sources import ERRORS, Source
from perennial.rollout.bursts import Pods
from perennial.rollout.decision import Decision, HoldReason, hold

FRESH, RESUMED = 10, 100
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
            problem = found[name].problem
            if problem is not None:
                return dict.fromkeys(range(len(entries)), problem)
        pods = await self._pods(entries)
        problems = {}
        for index, entry in enumerate(entries):
            with self._guarded(entry):
                problem = pods.problem or await self._remember(entry, found, pods)
                if problem is not None:
                    problems[index] = problem
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

    async def _remember(self, entry: Entry[KeyT], found: dict[str, Answered], pods: Answered) -> Decision | None:
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
        now = histories.remember(now, question, self._grid, scraped, self._of_pods(entry, now, pods))
        if now.state is None:
            now, problem = await self._older(entry, question, now)
            if problem is not None:
                return problem
        # Read again: `track` may have learned of a change of weight while Prometheus was asked.
        entry.progress = replace(now, changes=entry.progress.changes if entry.progress else now.changes)
        return None

    def _of_pods(self, entry: Entry[KeyT], now: Progress, pods: Answered) -> Pods:
        if self._source.pods is None or now.state is not None:
            return Pods()
        start = now.position - HISTORY_SECONDS
        series = [
            (each.labels, [sample for sample in each.samples if sample[0] <= now.position])
            for each in pods.series.get((entry.watched.namespace, entry.watched.stable), ())
        ]
        return self._source.pods.pods(series, start, now.position, self._grid.poll_seconds)

    async def _older(self, entry: Entry[KeyT], question: Question, now: Progress) -> tuple[Progress, Decision | None]:
        for span in histories.older(now):
            scraped = dict[str, Scraped]()
            for name in [name for name in question.families if histories.lacks_bad(now, name)]:
                answered = await self._ask_older(entry, name, now, span)
                if answered.problem is not None:
                    return now, answered.problem
                family, bound = question.families[name], now.bounds.get(name)
                scraped[name] = histories.scraped_of(family, entry.watched, answered.series, bound)
            if not any(both.stable for both in scraped.values()):
                break
            stable = {name: both.stable for name, both in scraped.items()}
            now = histories.remember_older(now, question, self._grid, span, stable)
        return now, None

    async def _ask_older(self, entry: Entry[KeyT], name: str, now: Progress, span: Span) -> Answered:
        family, bound = self._source.families[name], now.bounds.get(name)
        edges = family.labels_of(bound) if isinstance(family, Buckets) and bound is not None else ()
        wanted = Wanted(((entry.watched.namespace, entry.watched.stable),), edges)
        return await ask(self._source.other, family.query(span.end - span.start, wanted), span.end, family.owner)


def _alike(one: Progress, other: Progress) -> bool:
    return (one.state is None) == (other.state is None) and abs(one.position - other.position) <= NEAR_SECONDS


def _twice(name: str) -> str:
    return (
        f"Prometheus has the samples of the metric {name} twice, from two servers that it does not tell apart: name "
        "the label that does in replicaLabels of the source."
    )
