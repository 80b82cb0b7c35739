"""What is read of a rollout before its first interval: stable's history, or what a resumed one goes on from. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from perennial.core.analysis_types import Watched
from perennial.core.counting import growth
from perennial.core.counting.family import Family, Owner
from perennial.core.counting.growth import LOOKBACK_SECONDS, Grown, Line, LineKey, Scrapes, Tails
from perennial.core.counting.pods import intervals
from perennial.core.evidence import Scraped
from perennial.core.polling import HISTORY_SECONDS, Grid
from perennial.core.progress import Progress, Question, Seen
from perennial.core.warmth import ENOUGH_BAD, ONE_POD, Learned, Warmth
from perennial.ports.prometheus_types import Series
from perennial.rollout.bursts import Pods

KeyT = TypeVar("KeyT")

LONGEST_SECONDS = 24 * 3600.0
COARSE_SECONDS = 60.0
"""A longer history is read at this distance: what comes in bursts of seconds looks as bursty over a minute."""

Answer = Mapping[Owner, Sequence[Series]]
"""Series of one family by whose they are."""


@dataclass(frozen=True)
class Span:
    """A time to read, in Unix seconds."""

    start: float
    end: float


def before(progress: Progress) -> Span:
    """What must be read before `progress` can go on."""
    length = LOOKBACK_SECONDS + (HISTORY_SECONDS if progress.state is None else 0.0)
    return Span(progress.position - length, progress.position)


def older(progress: Progress) -> Span:
    """A longer history, for what had too few bad requests in its last hour to see bursts."""
    return Span(progress.position - LONGEST_SECONDS, progress.position - HISTORY_SECONDS)


def scraped_of(
    family: Family, watched: Watched[KeyT], answer: Answer, bound: float | None, until: float = math.inf
) -> Scraped:
    """Both versions' series of one family as scrapes, up to `until`."""
    canary, stable = (
        family.collect(_until(answer.get((watched.namespace, name), ()), until), bound)
        for name in (watched.canary, watched.stable)
    )
    return Scraped(canary, stable)


def _until(series: Iterable[Series], until: float) -> Iterable[tuple[Mapping[str, str], Iterable[tuple[float, float]]]]:
    for each in series:
        if each.samples and each.samples[-1][0] > until:
            yield each.labels, [sample for sample in each.samples if sample[0] <= until]
        else:
            yield each.labels, each.samples


def remember(
    progress: Progress, question: Question, grid: Grid, scraped: Mapping[str, Scraped], pods: Pods = ONE_POD
) -> Progress:
    """With what was before `position`: the lines to go on from, and stable's history if no evidence has begun."""
    tails, found = dict[str, Tails](), dict[str, tuple[Grown, Grown]]()
    for name, both in scraped.items():
        tails[name], ours, theirs = growth.follow(Tails(), both.canary, both.stable)
        found[name] = ours, theirs
    progress = replace(progress, ready=True, tails=tails)
    if progress.state is None:
        return _warm(progress, question, grid, found, pods)
    # One that goes on knows at once what has been missing; one that begins gives samples time to arrive.
    long_ago = progress.position - LOOKBACK_SECONDS
    seen = {name: Seen(_last(tail.canary, long_ago), _last(tail.stable, long_ago)) for name, tail in tails.items()}
    return replace(progress, seen=seen)


def _last(lines: Mapping[LineKey, Line], default: float) -> float:
    return max((line.time for line in lines.values()), default=default)


def _warm(
    progress: Progress, question: Question, grid: Grid, found: Mapping[str, tuple[Grown, Grown]], pods: Pods
) -> Progress:
    start, end = progress.position - HISTORY_SECONDS, progress.position
    sums = {name: theirs.between(start, end) for name, (_, theirs) in found.items()}
    bounds = question.bounds(progress.bounds, sums)
    metrics = {}
    for name, (ours, theirs) in found.items():
        each = intervals(theirs, start, end, grid.poll_seconds)
        metrics[name] = Learned().add(question.families[name], bounds.get(name), ours.between(start, end), each)
    times = [time for time in found[question.first][1].times if start < time <= end]
    seconds = max(times) - min(times) if times else 0.0
    return replace(progress, bounds=bounds, warmth=Warmth(metrics if seconds else {}, seconds, pods))


def lacks_bad(progress: Progress, name: str) -> bool:
    """Whether a longer history could still tell more of how a metric's bad requests come."""
    learned = progress.warmth.metrics.get(name)
    return learned is not None and learned.last.n > 0 and learned.bad < ENOUGH_BAD


def remember_older(progress: Progress, question: Question, scraped: Mapping[str, Scrapes]) -> Progress:
    """With a longer history of stable, for burstiness alone."""
    metrics, span = dict(progress.warmth.metrics), older(progress)
    for name, stable in scraped.items():
        family, bound = question.families[name], progress.bounds.get(name)
        _, _, grown = growth.follow(Tails(), {}, stable)
        each = intervals(grown, span.start, span.end, COARSE_SECONDS)
        counts = [family.tally(one, bound).compared for one in each]
        newest = metrics[name].last
        metrics[name] = replace(replace(metrics[name], last=type(newest)(0, 0)).spread_over(counts), last=newest)
    return replace(progress, warmth=replace(progress.warmth, metrics=metrics))
