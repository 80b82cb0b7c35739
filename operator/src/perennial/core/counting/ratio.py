"""Any yes/no of requests that something counts: all of them, and the bad ones. Every series is counted by itself."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations

from perennial.core.counting.family import REPLICA_LABELS, Owner, RawSeries, Tally, Wanted, tally
from perennial.core.counting.growth import Labels, LineKey, Process, Scrapes, Values, process_of
from perennial.core.counting.selector import Selector, written

_TOTAL, _BAD, _FAILED = "total", "bad", "failed"
DOUBLED_SAMPLES = 3


@dataclass(frozen=True)
class Ratio:
    """`bad` requests among `total`; `failed` are those for an absolute bound (empty: the bad ones).

    `replica_labels` are those by which a pair of Prometheus servers tell their samples apart.
    """

    name: str
    total: tuple[Selector, ...]
    bad: tuple[Selector, ...]
    failed: tuple[Selector, ...] = ()
    replica_labels: tuple[str, ...] = REPLICA_LABELS

    def query(self, seconds: float, wanted: Wanted) -> str:
        """See Family."""
        return f"{written((*self.total, *self.bad, *self.failed), wanted.owners)}[{math.ceil(seconds)}s]"

    def owner(self, labels: Mapping[str, str]) -> Owner | None:
        """See Family."""
        for each in (*self.total, *self.bad, *self.failed):
            if each.matches(labels):
                return each.owner(labels)
        return None

    def collect(self, series: Iterable[RawSeries], _bound: float | None = None) -> Scrapes:
        """Each series is a line of its own; what is no number is left out."""
        found: defaultdict[LineKey, dict[float, Values]] = defaultdict(dict)
        for labels, samples in series:
            slots = [slot for slot, selectors in self._slots() if any(each.matches(labels) for each in selectors)]
            if slots:
                line = found[process_of(labels), self._identity(labels)]
                line.update({time: dict.fromkeys(slots, value) for time, value in samples if math.isfinite(value)})
        return found

    def tally(self, grown: Values, _bound: float | None) -> Tally:
        """See Family."""
        bad = grown.get(_BAD, 0.0)
        return tally(grown.get(_TOTAL, 0.0), bad, grown.get(_FAILED, 0.0) if self.failed else bad)

    def _slots(self) -> tuple[tuple[str, tuple[Selector, ...]], ...]:
        return (_TOTAL, self.total), (_BAD, self.bad), (_FAILED, self.failed)

    def _identity(self, labels: Mapping[str, str]) -> Labels:
        return tuple(sorted(item for item in labels.items() if item[0] not in self.replica_labels))


def doubled(scrapes: Scrapes) -> bool:
    """Whether one process was scraped by two servers that nobody told apart: every request would count twice.

    All samples of one scrape have the same time, so two series of a process that go on side by side share times.
    """
    times: defaultdict[Process, set[frozenset[float]]] = defaultdict(set)
    for (process, _), by_time in scrapes.items():
        if len(by_time) >= DOUBLED_SAMPLES:
            times[process].add(frozenset(by_time))
    return any(_apart(one, other) for sets in times.values() for one, other in combinations(sets, 2))


def _apart(one: frozenset[float], other: frozenset[float]) -> bool:
    return not one & other and min(one) < max(other) and min(other) < max(one)
