"""The polls of one source: one query for each metric serves all its rollouts, and those it answers are judged."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Generic, Protocol

from perennial.core import evidence, histories, progress, readings
from perennial.core.analysis_types import KeyT
from perennial.core.asking import Answered, ask
from perennial.core.backward import Backward
from perennial.core.counting.buckets import Buckets
from perennial.core.counting.family import Owner, Wanted
from perennial.core.counting.growth import Grown
from perennial.core.entries import Entry
from perennial.core.polling import CHUNK_SECONDS, Grid
from perennial.core.progress import Progress
from perennial.core.sources import BUILT_IN, Source
from perennial.rollout.decision import Decision, HoldReason, Verdict, hold

log = logging.getLogger(__name__)

OWN_METRICS_WAIT = 0.5
"""Owners' own metrics are waited for during this part of a poll; then the others are judged without them."""
LEFT_OUT_SECONDS = 60.0
"""A metric that is not answered for so long, while others are, is left out for that time."""
LATE_SECONDS = 2 * LEFT_OUT_SECONDS
NAMED = 50
"""So many rollouts that are late are asked for by name, and not with everybody else."""


class Clock(Protocol):
    """Where the time of day comes from."""

    def now(self) -> datetime:
        """UTC."""
        ...


@dataclass(frozen=True)
class _Read(Generic[KeyT]):
    """What is new of a rollout, before it is counted; `before` is where its counting goes on."""

    entry: Entry[KeyT]
    before: Progress
    grown: Mapping[str, tuple[Grown, Grown]]
    problem: Decision | None
    excess: float


@dataclass
class _Round(Generic[KeyT]):
    """One poll: who takes part, up to which grid time, and what was answered so far."""

    entries: list[Entry[KeyT]]
    start: float
    until: float
    behind: bool
    owners: tuple[Owner, ...] = ()
    answers: dict[str, Answered] = field(default_factory=dict)
    judged: set[int] = field(default_factory=set)

    def ready(self) -> list[Entry[KeyT]]:
        """Those that wait for no answer any more, each once."""
        found = []
        for entry in self.entries:
            families = entry.question.families if entry.question else {}
            if id(entry) not in self.judged and families.keys() <= self.answers.keys():
                self.judged.add(id(entry))
                found.append(entry)
        return found


class Polls(Generic[KeyT]):
    """Follows the rollouts of one source.

    `current` gives those of now, `alive` says whether one still is; `changed` tells that one's story changed.
    """

    def __init__(
        self,
        source: Source,
        clock: Clock,
        grid: Grid,
        current: Callable[[], list[Entry[KeyT]]],
        alive: Callable[[Entry[KeyT]], bool],
        changed: Callable[[KeyT], None],
    ) -> None:
        """Nothing is asked before `poll`."""
        self._source, self._clock, self._grid = source, clock, grid
        self._current, self._alive, self._changed = current, alive, changed
        self._backward = Backward(source, grid, self._guarded)
        self._newest: dict[str, float] = {}

    async def poll(self) -> bool:
        """Ask for what is new, and judge. True if there is more to catch up at once."""
        complete = self._grid.complete(self._clock.now().timestamp())
        for entry in self._current():
            if entry.progress is None and entry.question is not None:
                with self._guarded(entry):
                    entry.progress = progress.begin(entry.watched, self._grid, entry.question, complete)
        behind = await self._follow(complete)
        return await self._look_back(complete) or behind

    async def run(self, sleep: Callable[[float], Awaitable[None]]) -> None:
        """Poll for ever, until cancelled."""
        while True:
            behind = False
            try:
                behind = await self.poll()
            except Exception:
                log.exception("a poll failed")
            pause = 0.0 if behind else self._grid.wait(self._clock.now().timestamp())
            await sleep(max(pause, 0.0))

    async def _follow(self, complete: float) -> bool:
        """All that go on; those that have much to catch up keep no other waiting."""
        limit, behind = complete - LATE_SECONDS, False
        now, late = list[Entry[KeyT]](), list[Entry[KeyT]]()
        for entry in self._current():
            if entry.follows and entry.progress is not None:
                (late if entry.progress.position < limit else now).append(entry)
        for some in (now, late):
            if some:
                behind = await self._round(some, complete, own=some is late) or behind
        return behind

    async def _round(self, entries: list[Entry[KeyT]], complete: float, own: bool) -> bool:
        start = min(entry.progress.position for entry in entries if entry.progress)
        until = min(complete, start + self._grid.floor(CHUNK_SECONDS))
        owners = tuple(owner for entry in entries for owner in entry.owners) if own and len(entries) <= NAMED else ()
        now = _Round(entries, start, until, until < complete, owners)
        needed = {name for entry in entries if entry.question for name in entry.question.families}
        if until <= start:
            now.answers = dict.fromkeys(needed, Answered({}))
        else:
            await self._ask_and_judge(now, needed)
        await self._judge(now, now.ready())
        return now.behind and not any(answered.problem for answered in now.answers.values())

    async def _ask_and_judge(self, now: _Round[KeyT], needed: set[str]) -> None:
        theirs = asyncio.ensure_future(self._ask_all(now, sorted(needed.difference(BUILT_IN))))
        for name in (name for name in BUILT_IN if name in needed):
            now.answers[name] = await self._ask(now, name)
            await self._judge(now, now.ready())
        await asyncio.wait([theirs], timeout=self._grid.poll_seconds * OWN_METRICS_WAIT)
        if theirs.done():
            theirs.result()
        theirs.cancel()
        for name in needed - now.answers.keys():
            now.answers[name] = Answered({}, hold(HoldReason.METRICS_UNAVAILABLE, _slow(name)))

    async def _ask_all(self, now: _Round[KeyT], names: list[str]) -> None:
        for name in names:
            now.answers[name] = await self._ask(now, name)

    async def _ask(self, now: _Round[KeyT], name: str) -> Answered:
        family = self._source.families[name]
        client = self._source.other if self._source.own(name) else self._source.client
        query = family.query(now.until - now.start, Wanted(now.owners, self._edges(now, name)))
        answered = await ask(client, query, now.until, family.owner)
        if answered.problem is None:
            self._newest[name] = answered.newest
        return answered

    def _edges(self, now: _Round[KeyT], name: str) -> tuple[str, ...]:
        """The edges that all rollouts together need, once each knows its own."""
        family, edges = self._source.families[name], set[float]()
        if not isinstance(family, Buckets):
            return ()
        for entry in now.entries:
            if entry.question and entry.progress and name in entry.question.families:
                bound = entry.progress.bounds.get(name)
                if bound is None:
                    return ()
                edges.add(bound)
        return tuple(sorted({label for edge in edges for label in family.labels_of(edge)}))

    async def _judge(self, now: _Round[KeyT], entries: list[Entry[KeyT]]) -> None:
        """Those whose counts look worst come first, so that the others do not keep a rollback waiting."""
        read = []
        for entry in entries:
            with self._guarded(entry):
                read.append(self._read(now, entry))
            await asyncio.sleep(0)
        for each in sorted(read, key=lambda each: -each.excess):
            self._count(now, each)
            await asyncio.sleep(0)

    def _read(self, now: _Round[KeyT], entry: Entry[KeyT]) -> _Read[KeyT]:
        question, before = entry.question, entry.progress
        assert question is not None
        assert before is not None
        problems = [now.answers[name].problem for name in question.families]
        problem = next((each for each in problems if each is not None), None)
        start = before if problem is None else entry.guard or before
        newer = {
            name: histories.scraped_of(family, entry.watched, now.answers[name].series, start.bounds.get(name))
            for name, family in question.families.items()
            if now.answers[name].problem is None
        }
        after, grown = evidence.read(start, question, newer)
        return _Read(entry, after, grown, problem, evidence.excess(start, question, grown, now.until))

    def _count(self, now: _Round[KeyT], each: _Read[KeyT]) -> None:
        entry = each.entry
        if entry.changing or entry.progress is None or entry.question is None or not self._alive(entry):
            return
        # What the controller learned since is what holds.
        start = replace(each.before, changes=entry.progress.changes)
        with self._guarded(entry):
            if each.problem is None:
                # If it cannot be judged it is left out by its time: the loop must not ask for it for ever.
                entry.progress = replace(start, position=max(now.until, start.position))
            after = evidence.count(start, entry.watched, self._grid, entry.question, each.grown, now.until)
            self._keep(entry, each, after)
            self._publish(now, entry, each)

    def _keep(self, entry: Entry[KeyT], each: _Read[KeyT], after: Progress) -> None:
        assert entry.progress is not None
        assert entry.question is not None
        waited = after.position - entry.progress.position
        if each.problem is None or (entry.question.first in each.grown and waited > LEFT_OUT_SECONDS):
            entry.progress, entry.guard = after, None
        else:
            entry.guard = after

    def _publish(self, now: _Round[KeyT], entry: Entry[KeyT], each: _Read[KeyT]) -> None:
        assert entry.progress is not None
        assert entry.question is not None
        scraped = self._newest.get(entry.question.first, 0.0) > now.until - readings.stale_after(self._grid)
        decision = readings.condemned(entry.guard, entry.watched, each.grown.keys()) if entry.guard else None
        if decision is None:
            decision = readings.decide(entry.watched, entry.progress, self._grid, entry.question, each.problem, scraped)
        # What was good some time ago is no reason to move now; what was bad is one to go back.
        if not now.behind or decision.verdict is Verdict.ROLL_BACK:
            told = entry.judge(decision, entry.progress)
            entry.draw()
            if told:
                self._changed(entry.watched.key)

    async def _look_back(self, complete: float) -> bool:
        """Read the past of those that begin, as far as there is time until the next poll. True if some are ready."""
        waiting = [entry for entry in self._current() if _waits(entry, complete)]
        some = False
        while waiting and self._grid.complete(self._clock.now().timestamp()) == complete:
            batch = self._backward.batch(waiting)
            problems = await self._backward.read(batch)
            for index, problem in problems.items():
                self._tell_problem(batch[index], problem)
            some = some or len(problems) < len(batch)
            read = set(batch)
            waiting = [] if problems else [entry for entry in waiting if entry not in read]
        return some

    def _tell_problem(self, entry: Entry[KeyT], problem: Decision) -> None:
        if entry.progress is not None and self._alive(entry) and entry.judge(problem, entry.progress):
            self._changed(entry.watched.key)

    @contextmanager
    def _guarded(self, entry: Entry[KeyT]) -> Iterator[None]:
        """A rollout that cannot be judged holds, says so, and keeps no other from being judged."""
        try:
            yield
        except Exception:
            log.exception("the counts of %s could not be judged", entry.watched.key)
            if entry.fail(self._clock.now()):
                self._changed(entry.watched.key)


def _waits(entry: Entry[KeyT], complete: float) -> bool:
    """Not before its last samples have arrived, so that a replay reads the same."""
    now = entry.progress
    return now is not None and not now.ready and now.position <= complete


def _slow(name: str) -> str:
    return (
        f"Prometheus has not answered the query for the metric {name} in time; make its selectors narrower. "
        "This never counts against a model."
    )
