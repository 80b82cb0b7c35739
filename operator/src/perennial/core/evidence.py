"""One rollout's way through the grid: which samples become which batch. Pure: no input or output, no clock.

An interval of the grid is a batch if its weight was constant. The intervals around a change of weight are left out for
both versions, by their times alone; so is every increment (after a missed scrape) that reaches across a change, and
whatever touches a time in which pods were disturbed. An interval without any scrape adds its time to the next batch.
What happened is therefore a function of the checkpoint and of Prometheus' samples, and a replay arrives at the same
numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from perennial.core.analysis_types import NOT_ROUTED, Watched
from perennial.core.counting import growth
from perennial.core.counting.family import Tally
from perennial.core.counting.growth import Grown, Scrapes, Tails
from perennial.core.polling import Grid
from perennial.core.progress import Progress, Question, Seen, plan_of
from perennial.core.warmth import Learned
from perennial.rollout import engine
from perennial.rollout.evalue import Comparison

KeyT = TypeVar("KeyT")


@dataclass(frozen=True)
class Scraped:
    """The scrapes of both versions, of one metric."""

    canary: Scrapes
    stable: Scrapes


@dataclass(frozen=True)
class _Course:
    """What stays the same while a rollout is followed; `spans` are times that nothing may be counted of."""

    watched: Watched[Any]
    grid: Grid
    question: Question
    grown: Mapping[str, tuple[Grown, Grown]]
    spans: tuple[tuple[float, float], ...]

    @property
    def first(self) -> tuple[Grown, Grown]:
        """Those of the metric that tells whether there are samples at all."""
        return next(grown for name, grown in self.grown.items())

    def straddles(self, start: float, end: float) -> bool:
        """Whether (start, end] touches what must be left out."""
        return any(self.grid.straddles(start, end, first, last) for first, last in self.spans)

    def unclear(self) -> list[tuple[float, float]]:
        """The same for increments that are longer than an interval."""
        return [self.grid.unclear(first, last) for first, last in self.spans]


def read(
    progress: Progress, question: Question, newer: Mapping[str, Scraped]
) -> tuple[Progress, Mapping[str, tuple[Grown, Grown]]]:
    """Read all samples since `position`, of the metrics that are in `newer`: what each version's counters grew by."""
    tails, grown = dict(progress.tails), dict[str, tuple[Grown, Grown]]()
    for name in question.families:
        if name in newer:
            scraped = newer[name]
            tails[name], ours, theirs = growth.follow(tails.get(name, Tails()), scraped.canary, scraped.stable)
            grown[name] = ours, theirs
    return replace(progress, tails=tails), grown


def excess(progress: Progress, question: Question, grown: Mapping[str, tuple[Grown, Grown]], until: float) -> float:
    """How many more bad requests the canary had than stable's rate explains: whom to look at first, no more."""
    worst = 0.0
    for name, versions in grown.items():
        family, bound = question.families[name], progress.bounds.get(name)
        ours, theirs = (family.tally(each.between(progress.position, until), bound).compared for each in versions)
        worst = max(worst, ours.bad - ours.n * (theirs.bad + 1) / (theirs.n + 1))
    return worst


def count(
    progress: Progress,
    watched: Watched[KeyT],
    grid: Grid,
    question: Question,
    grown: Mapping[str, tuple[Grown, Grown]],
    until: float,
) -> Progress:
    """Follow the grid up to `until` with what `read` gave."""
    spans = (
        *watched.disturbed,
        *(() if watched.step == NOT_ROUTED else ((each.time, each.time) for each in progress.changes)),
    )
    course = _Course(watched, grid, question, grown, spans)
    if progress.state is not None:
        # Times of the plan may have changed: that is no other question.
        progress = replace(progress, state=replace(progress.state, plan=plan_of(watched, grid)))
    while grown and progress.position + grid.poll_seconds <= until:
        progress = _interval(progress, course)
    return progress


def _interval(progress: Progress, course: _Course) -> Progress:
    start, end = progress.position, progress.position + course.grid.poll_seconds
    seconds = progress.open_seconds + course.grid.poll_seconds
    seen = dict(progress.seen)
    for name, (ours, theirs) in course.grown.items():
        before = seen[name]
        seen[name] = Seen(max(ours.last(start, end), before.canary), max(theirs.last(start, end), before.stable))
    ours, theirs = course.first
    scraped = ours.last(start, end) or theirs.last(start, end)
    progress = replace(progress, position=end, open_seconds=0.0 if scraped else seconds, seen=seen)
    if not scraped:
        return progress
    if course.straddles(start, end):
        return progress
    return _count(progress, course, start, seconds)


def _count(progress: Progress, course: _Course, start: float, seconds: float) -> Progress:
    if progress.state is None:
        progress = _begun(progress, course)
    if progress.state is None:
        return _warmed(progress, course, start, seconds)
    weighted = progress.weighted(progress.position)
    batch = replace(_batch(progress, course, start, seconds), by_hand=weighted.by_hand)
    return replace(progress, state=engine.update(progress.state, batch, weighted.step))


def _batch(progress: Progress, course: _Course, start: float, seconds: float) -> engine.Batch:
    compared, absolute, unclear = {}, {}, course.unclear()
    for name, versions in course.grown.items():
        family, bound = course.question.families[name], progress.bounds.get(name)
        canary, stable = (family.tally(grown.between(start, progress.position, unclear), bound) for grown in versions)
        if _any(canary, stable):
            compared[name] = Comparison(canary.compared, stable.compared)
            absolute[name] = Comparison(canary.failed, stable.failed)
    return engine.Batch(seconds, compared, absolute)


def _any(canary: Tally, stable: Tally) -> bool:
    return canary.compared.n > 0 or stable.compared.n > 0


def _warmed(progress: Progress, course: _Course, start: float, seconds: float) -> Progress:
    unclear, metrics = course.unclear(), dict(progress.warmth.metrics)
    for name, (ours, theirs) in course.grown.items():
        family, bound = course.question.families[name], progress.bounds.get(name)
        canary, stable = (grown.between(start, progress.position, unclear) for grown in (ours, theirs))
        metrics[name] = metrics.get(name, Learned()).add(family, bound, canary, [stable])
    warmth = replace(progress.warmth, metrics=metrics, seconds=progress.warmth.seconds + seconds)
    bounds = course.question.bounds(progress.bounds, {name: learned.grown for name, learned in metrics.items()})
    return replace(progress, warmth=warmth, bounds=bounds)


def _begun(progress: Progress, course: _Course) -> Progress:
    """With evidence, if it may begin; all metrics begin together."""
    watched, question, warmth = course.watched, course.question, progress.warmth
    if watched.step == NOT_ROUTED or question.open_bounds(progress.bounds):
        return progress
    if not warmth.suffices(watched.plan.warm_up_seconds, question.families, progress.bounds):
        return progress
    histories = warmth.histories(question.families, progress.bounds)
    state = engine.start(plan_of(watched, course.grid), histories)
    return replace(progress, state=state)
