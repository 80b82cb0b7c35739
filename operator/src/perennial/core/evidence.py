"""One rollout's way through the grid: which samples become which batch. Pure: no input or output, no clock.

An interval of the grid is a batch if its weight was constant. The intervals around a change of weight are left out for
both versions, by their times alone; so is every increment (after a missed scrape) that reaches across a change. An
interval without any scrape adds its time to the next batch. What happened is therefore a function of the checkpoint and
of Prometheus' samples, and a replay arrives at the same numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from perennial.core.analysis_types import NOT_ROUTED, Watched
from perennial.core.polling import HISTORY_SECONDS, LOOKBACK_SECONDS, REPLAY_SECONDS, Grid
from perennial.ports.prometheus_types import Series
from perennial.rollout import checkpoint, counts, engine
from perennial.rollout.evalue import NO_REQUESTS, Comparison, Counts
from perennial.rollout.plan import Plan
from perennial.rollout.steering import History

KeyT = TypeVar("KeyT")

ENOUGH_BAD = 100
"""Bad requests of stable after which it is known well enough, however short its history."""
REMEMBERED_CHANGES = 16


@dataclass(frozen=True)
class Warmth:
    """Stable before the evidence began: its counts, over how many seconds, and the requests to both versions."""

    stable: Counts = NO_REQUESTS
    seconds: float = 0.0
    requests: int = 0

    def add(self, both: Comparison, seconds: float) -> Warmth:
        """With another interval."""
        requests = self.requests + both.canary.n + both.stable.n
        return Warmth(self.stable + both.stable, self.seconds + seconds, requests)

    @property
    def history(self) -> History:
        """In the engine's terms."""
        return History(self.stable, self.seconds, self.requests / self.seconds if self.seconds else 0.0)

    def suffices(self, warm_up_seconds: float) -> bool:
        """Whether evidence may begin."""
        return self.seconds > 0 and (self.seconds >= warm_up_seconds or self.stable.bad >= ENOUGH_BAD)


@dataclass(frozen=True)
class Scraped:
    """The scrapes known of both versions."""

    canary: counts.Scrapes = field(default_factory=dict)
    stable: counts.Scrapes = field(default_factory=dict)

    def with_newer(self, newer: Scraped, since: float) -> Scraped:
        """Both, without what is older than the interval at `since` needs."""
        return Scraped(counts.merge(self.canary, newer.canary, since), counts.merge(self.stable, newer.stable, since))


@dataclass(frozen=True)
class Progress:
    """Where a rollout is: the grid has been followed up to `position` (Unix seconds).

    `state` is None while warming up; `warmth` is None until stable's history was read. `changes` are the times of the
    latest changes of weight. `canary_seen`, `stable_seen` are each version's last scrape in an interval followed.
    """

    position: float
    changes: tuple[float, ...]
    state: engine.State | None = None
    warmth: Warmth | None = None
    scraped: Scraped = Scraped()
    open_seconds: float = 0.0
    canary_seen: float = 0.0
    stable_seen: float = 0.0


def begin(watched: Watched[KeyT], grid: Grid, complete: float) -> Progress:
    """Where to begin or go on with `watched` when samples are complete up to `complete`.

    A checkpoint of this rollout is resumed. It may be of the step before: then the last change of weight is the one
    known. Of an earlier one: the changes between are not known and everything before the last one is left out.
    """
    change = watched.weight_since.timestamp()
    oldest = grid.floor(complete - REPLAY_SECONDS)
    saved = checkpoint.decode(watched.checkpoint, watched.revision, plan_of(watched, grid))
    if watched.step == NOT_ROUTED:
        return _at(complete, change)
    if saved is None or saved.step > watched.step:
        return _at(max(grid.floor(change), oldest), change)
    position = saved.at if watched.step - saved.step <= 1 else max(saved.at, grid.floor(change))
    return replace(_at(max(position, oldest), change), state=saved.state, warmth=Warmth())


def _at(position: float, change: float) -> Progress:
    # As if both versions had just been seen: samples are missing only after they had time to arrive.
    return Progress(position, (change,), canary_seen=position, stable_seen=position)


def plan_of(watched: Watched[KeyT], grid: Grid) -> Plan:
    """The plan with the grid's poll: there is one grid for all rollouts."""
    return replace(watched.plan, poll_seconds=grid.poll_seconds)


def changed(progress: Progress, change: float) -> Progress:
    """The same after the weight was changed at `change`."""
    if change in progress.changes:
        return progress
    return replace(progress, changes=(*progress.changes, change)[-REMEMBERED_CHANGES:])


def scraped_of(canary: Sequence[Series], stable: Sequence[Series]) -> Scraped:
    """Both versions' series as scrapes."""
    return Scraped(
        counts.collect((series.labels, series.samples) for series in canary),
        counts.collect((series.labels, series.samples) for series in stable),
    )


def remember(progress: Progress, history: Scraped) -> Progress:
    """With stable's history of the hour before `position`."""
    start, end = progress.position - HISTORY_SECONDS, progress.position
    batch = _Increments(history).between(start, end, ())
    seen = [time for by_time in history.stable.values() for time in by_time if start < time <= end]
    warmth = Warmth().add(batch, max(seen) - min(seen)) if seen else Warmth()
    return replace(progress, warmth=warmth, scraped=progress.scraped.with_newer(history, end - LOOKBACK_SECONDS))


class _Increments:
    """Both versions' increments, and when there were scrapes at all."""

    def __init__(self, scraped: Scraped) -> None:
        times = counts.scrape_times((scraped.canary, scraped.stable))
        self.canary = counts.increments(scraped.canary, times)
        self.stable = counts.increments(scraped.stable, times)

    def between(self, start: float, end: float, unclear: Sequence[tuple[float, float]]) -> Comparison:
        """Both versions' counts in (start, end]."""
        return Comparison(
            counts.between(self.canary, start, end, unclear), counts.between(self.stable, start, end, unclear)
        )


def _last(scrapes: counts.Scrapes, start: float, end: float) -> float:
    return max((time for by_time in scrapes.values() for time in by_time if start < time <= end), default=0.0)


def follow(progress: Progress, watched: Watched[KeyT], grid: Grid, newer: Scraped, until: float) -> Progress:
    """Follow the grid up to `until` with the samples of `newer` (which reach back to before `position`)."""
    scraped = progress.scraped.with_newer(newer, progress.position - LOOKBACK_SECONDS)
    progress = replace(progress, scraped=scraped)
    increments = _Increments(scraped)
    plan = plan_of(watched, grid)
    while progress.position + grid.poll_seconds <= until:
        end = progress.position + grid.poll_seconds
        progress = replace(_interval(progress, plan, watched.step, grid, increments, end), position=end)
    return progress


def _interval(progress: Progress, plan: Plan, step: int, grid: Grid, increments: _Increments, end: float) -> Progress:
    start = progress.position
    canary, stable = _last(progress.scraped.canary, start, end), _last(progress.scraped.stable, start, end)
    seconds = progress.open_seconds + grid.poll_seconds
    if not (canary or stable):
        return replace(progress, open_seconds=seconds)
    progress = replace(
        progress,
        open_seconds=0.0,
        canary_seen=max(canary, progress.canary_seen),
        stable_seen=max(stable, progress.stable_seen),
    )
    if step != NOT_ROUTED and any(grid.straddles(start, end, change) for change in progress.changes):
        return progress
    batch = increments.between(start, end, [grid.unclear(change) for change in progress.changes])
    return _count(progress, plan, step, batch, seconds)


def _count(progress: Progress, plan: Plan, step: int, batch: Comparison, seconds: float) -> Progress:
    state, warmth = progress.state, progress.warmth or Warmth()
    if state is None and (step == NOT_ROUTED or not warmth.suffices(plan.warm_up_seconds)):
        return replace(progress, warmth=warmth.add(batch, seconds))
    if state is None:
        state = engine.start(plan, {engine.ERRORS: warmth.history})
    return replace(progress, state=engine.update(state, engine.Batch(seconds, {engine.ERRORS: batch}), step))
