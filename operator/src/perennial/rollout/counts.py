"""Requests and bad ones from a gateway's raw samples.

Not `increase()` or `rate()`: both extrapolate, and a class of answers has no series before its first one. Here every
pair of consecutive scrapes of one gateway process gives an exact increment. A class that is absent is 0. A drop of any
counter is a restart, from 0. A version's series that appear while their process was already being scraped count from 0;
those of a process seen for the first time only set the baseline (they might be old). Unanswered requests are
`total − Σ classes − active` of one scrape, at least 0, counted when two scrapes in a row show them: one scrape alone
also catches requests that were answered while it was written. Bad is 4xx, 5xx or unanswered; a request that its client
cancelled is unanswered, for both versions alike.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from perennial.rollout.evalue import NO_REQUESTS, Counts

TOTAL = "envoy_cluster_upstream_rq_total"
CLASS = "envoy_cluster_upstream_rq_xx"
ACTIVE = "envoy_cluster_upstream_rq_active"
CLASS_LABEL = "envoy_response_code_class"
NAMESPACE_LABEL, SERVICE_LABEL = "isvc_namespace", "isvc"
_NOT_THE_PROCESS = frozenset(
    # Labels that differ between the series of one scraped process, or between replicas of Prometheus (HA pairs).
    ("__name__", CLASS_LABEL, NAMESPACE_LABEL, SERVICE_LABEL, "envoy_cluster_name", "prometheus", "prometheus_replica")
)

Process = tuple[tuple[str, str], ...]
"""The labels that identify one scraped gateway process."""
RawSeries = tuple[Mapping[str, str], Iterable[tuple[float, float]]]
"""Labels with `__name__`, and samples (Unix seconds, value)."""


@dataclass
class Scrape:
    """What one scrape said of one version: counters and the gauge of requests under way."""

    total: float = 0.0
    active: float = 0.0
    classes: dict[str, float] = field(default_factory=dict)

    @property
    def unanswered(self) -> float:
        """Requests that ended without a response."""
        return max(0.0, self.total - sum(self.classes.values()) - self.active)

    def restarted_since(self, before: Scrape) -> bool:
        """Whether any counter went down."""
        dropped = any(self.classes.get(name, 0.0) < value for name, value in before.classes.items())
        return dropped or self.total < before.total


Scrapes = dict[Process, dict[float, Scrape]]
"""One version's scrapes by process and time."""


@dataclass(frozen=True)
class Increment:
    """Counts between two consecutive scrapes of one process, at `start` and `end` (Unix seconds)."""

    start: float
    end: float
    counts: Counts


def process_of(labels: Mapping[str, str]) -> Process:
    """Which scraped process a series is of."""
    return tuple(sorted((name, value) for name, value in labels.items() if name not in _NOT_THE_PROCESS))


def collect(series: Iterable[RawSeries]) -> Scrapes:
    """Join one version's series into scrapes: samples of one process with the same timestamp belong together.

    A doubled sample (the same time twice) counts once; samples that are not finite are left out.
    """
    scrapes: defaultdict[Process, defaultdict[float, Scrape]] = defaultdict(lambda: defaultdict(Scrape))
    for labels, samples in series:
        of_process, name = scrapes[process_of(labels)], labels["__name__"]
        for time, value in samples:
            if not math.isfinite(value):
                continue
            if name == TOTAL:
                of_process[time].total = value
            elif name == ACTIVE:
                of_process[time].active = value
            elif name == CLASS:
                of_process[time].classes[labels.get(CLASS_LABEL, "")] = value
    return {process: dict(by_time) for process, by_time in scrapes.items()}


def merge(older: Scrapes, newer: Scrapes, since: float) -> Scrapes:
    """All scrapes at or after `since`, and of each process at least the last two before it, however old."""
    merged: Scrapes = {}
    for process in older.keys() | newer.keys():
        by_time = {**older.get(process, {}), **newer.get(process, {})}
        times = sorted(by_time)
        first = max(0, sum(time < since for time in times) - 2)
        merged[process] = {time: by_time[time] for time in times[first:]}
    return merged


def scrape_times(versions: Iterable[Scrapes]) -> dict[Process, list[float]]:
    """When each process was scraped, whichever version was seen."""
    times: defaultdict[Process, set[float]] = defaultdict(set)
    for scrapes in versions:
        for process, by_time in scrapes.items():
            times[process].update(by_time)
    return {process: sorted(of_process) for process, of_process in times.items()}


def increments(scrapes: Scrapes, times: Mapping[Process, list[float]]) -> list[Increment]:
    """What one version's counters grew by. `times` says when each process was scraped, from `scrape_times`."""
    found: list[Increment] = []
    for process, by_time in scrapes.items():
        found.extend(_of_process(by_time, times.get(process, [])))
    return sorted(found, key=lambda increment: increment.end)


def _of_process(by_time: Mapping[float, Scrape], scraped: list[float]) -> Iterable[Increment]:
    own = sorted(by_time)
    born_after = [time for time in scraped if own and time < own[0]]
    line = [(time, by_time[time]) for time in own]
    if born_after:
        line.insert(0, (born_after[-1], Scrape()))
    confirmed = line[0][1].unanswered if line else 0.0
    for (start, before), (end, after) in pairwise(line):
        base = Scrape() if after.restarted_since(before) else before
        if base is not before:
            confirmed = 0.0
        seen_twice = min(base.unanswered, after.unanswered)
        yield Increment(start, end, _difference(base, after, max(0.0, seen_twice - confirmed)))
        # The highest so far: a scrape that caught requests just beginning shows fewer, and must not count them twice.
        confirmed = max(confirmed, seen_twice)


def _difference(before: Scrape, after: Scrape, unanswered: float) -> Counts:
    grown = {name: value - before.classes.get(name, 0.0) for name, value in after.classes.items()}
    bad = grown.get("4", 0.0) + grown.get("5", 0.0) + unanswered
    return Counts(round(sum(grown.values()) + unanswered), round(bad))


def between(
    found: Iterable[Increment], start: float, end: float, unclear: Iterable[tuple[float, float]] = ()
) -> Counts:
    """The sum of the increments that end in (start, end], without those that overlap an `unclear` interval.

    The latter may hold requests of two weights; they are left out by their times alone, never by their counts.
    """
    counts = NO_REQUESTS
    for increment in found:
        if start < increment.end <= end and not any(
            increment.start < last and increment.end > first for first, last in unclear
        ):
            counts += increment.counts
    return counts
