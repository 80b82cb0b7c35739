"""Latency: the share of requests slower than a bound, from the cumulative buckets of a histogram.

A bound is on an edge of the histogram, so that the share is counted and not guessed. One that is given is moved to the
next edge above; one that is learned is the edge above the 95th percentile of stable before the evidence begins.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from perennial.core.counting.family import REPLICA_LABELS, Owner, RawSeries, Tally, Wanted, tally
from perennial.core.counting.growth import Labels, LineKey, Scrapes, Values, process_of
from perennial.core.counting.selector import Selector, written

PERCENTILE = 0.95
_ALL = "inf"


def slot(edge: float) -> str:
    """The slot of an edge in milliseconds."""
    return f"{edge:.9g}"


def edge_for(given: float, seen: Values) -> float | None:
    """The edge at or above a bound of `given` milliseconds; None if the histogram has none."""
    edges = sorted(float(each) for each in seen)
    return next((edge for edge in edges if given <= edge < math.inf), None)


def learned(seen: Values) -> float | None:
    """The edge above the 95th percentile of what stable's histogram grew by; None without requests."""
    total = seen.get(_ALL, 0.0)
    edges = sorted(edge for edge in map(float, seen) if edge < math.inf)
    if total <= 0 or not edges:
        return None
    return next((edge for edge in edges if seen[slot(edge)] >= PERCENTILE * total), edges[-1])


@dataclass(frozen=True)
class Buckets:
    """The histogram that `selector` selects; `unit` is what its edges are counted in, in milliseconds."""

    selector: Selector
    unit: float = 1.0
    name: str = "latency"
    replica_labels: tuple[str, ...] = REPLICA_LABELS

    def query(self, seconds: float, wanted: Wanted) -> str:
        """See Family."""
        edges = f',le=~"{"|".join(map(re.escape, wanted.edges))}|[+]Inf"'.replace("\\", "\\\\") if wanted.edges else ""
        return f"{written([self.selector], wanted.owners, edges)}[{math.ceil(seconds)}s]"

    def owner(self, labels: Mapping[str, str]) -> Owner | None:
        """See Family."""
        return self.selector.owner(labels)

    def collect(self, series: Iterable[RawSeries], bound: float | None = None) -> Scrapes:
        """All edges, or only what tells the share above `bound`; a scrape that lacks it is none."""
        needed = {_ALL} if bound is None else {_ALL, slot(bound)}
        found: defaultdict[LineKey, defaultdict[float, dict[str, float]]] = defaultdict(lambda: defaultdict(dict))
        for labels, samples in series:
            edge = slot(float(labels["le"]) * self.unit)
            if self.selector.matches(labels) and (bound is None or edge in needed):
                line = found[process_of(labels), self._identity(labels)]
                for time, value in samples:
                    line[time][edge] = value
        return {key: {time: raw for time, raw in line.items() if _whole(raw, needed)} for key, line in found.items()}

    def tally(self, grown: Values, bound: float | None) -> Tally:
        """See Family."""
        requests = grown.get(_ALL, 0.0)
        slow = 0.0 if bound is None else max(0.0, requests - grown.get(slot(bound), 0.0))
        return tally(requests, slow, slow)

    def labels_of(self, edge: float) -> tuple[str, ...]:
        """How an edge may be written as a label: exporters and versions of Prometheus differ."""
        value = edge / self.unit
        return tuple(
            sorted({f"{value:g}", repr(float(value)), f"{value:.0f}" if value == int(value) else f"{value:g}"})
        )

    def _identity(self, labels: Mapping[str, str]) -> Labels:
        told = ("__name__", "le", *self.replica_labels)
        return tuple(sorted(item for item in labels.items() if item[0] not in told))


def _whole(raw: Mapping[str, float], needed: set[str]) -> bool:
    return needed <= raw.keys() and all(map(math.isfinite, raw.values()))
