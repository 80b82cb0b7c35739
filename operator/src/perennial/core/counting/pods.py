"""Single pods of a version at the gateway: how bursty their errors are, and how many there are.

Envoy's statistics per endpoint count from 0 for every address; `error` is 5xx. Those of several gateway processes are
added, because a burst that is split evenly looks like none.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from perennial.core.counting.family import Owner, RawSeries, Wanted, tally
from perennial.core.counting.gateway import of_owners, owner
from perennial.core.counting.growth import Grown, LineKey, Tails, Values, follow, process_of
from perennial.rollout.bursts import Pods, pod_phi
from perennial.rollout.counts import POD_ERROR, POD_LABEL, POD_TOTAL
from perennial.rollout.evalue import Counts

RECENT_SECONDS = 60.0
_TOTAL, _ERROR = "total", "error"


@dataclass(frozen=True)
class PodErrors:
    """Requests and errors by pod, scraped by `job`."""

    job: str

    def query(self, seconds: float, wanted: Wanted) -> str:
        """Raw samples of the wanted InferenceServices."""
        return (
            f'{{job="{self.job}",__name__=~"{POD_TOTAL}|{POD_ERROR}",{of_owners(wanted.owners)}}}'
            f"[{math.ceil(seconds)}s]"
        )

    def owner(self, labels: Mapping[str, str]) -> Owner | None:
        """Whose pod it is."""
        return owner(labels)

    def pods(self, series: Iterable[RawSeries], start: float, end: float, seconds: float) -> Pods:
        """Of one version, from its intervals of `seconds` between `start` and `end` (Unix seconds)."""
        lines: defaultdict[LineKey, defaultdict[float, dict[str, float]]] = defaultdict(lambda: defaultdict(dict))
        for labels, samples in series:
            slot = _TOTAL if labels["__name__"] == POD_TOTAL else _ERROR
            key: LineKey = process_of(labels), ((POD_LABEL, labels.get(POD_LABEL, "")),)
            for time, value in samples:
                if math.isfinite(value):
                    lines[key][time][slot] = value
        by_pod: defaultdict[str, list[Grown]] = defaultdict(list)
        for key, by_time in lines.items():
            by_pod[key[1][0][1]].append(follow(Tails(), {}, {key: by_time})[2])
        alive = sum(any(each.last(end - RECENT_SECONDS, end) for each in grown) for grown in by_pod.values())
        return Pods(pod_phi(_counts(grown, start, end, seconds) for grown in by_pod.values()), max(alive, 1))


def _counts(processes: list[Grown], start: float, end: float, seconds: float) -> list[Counts]:
    sums = [intervals(grown, start, end, seconds) for grown in processes]
    found = []
    for parts in zip(*sums, strict=True):
        total, bad = (sum(part.get(slot, 0.0) for part in parts) for slot in (_TOTAL, _ERROR))
        found.append(tally(total, bad, bad).compared)
    return found


def intervals(grown: Grown, start: float, end: float, seconds: float) -> list[Values]:
    """What the slots grew by in each interval of `seconds` from `start` to `end`."""
    found: list[dict[str, float]] = [{} for _ in range(max(0, round((end - start) / seconds)))]
    for one in grown.increments:
        index = math.ceil((one.end - start) / seconds) - 1
        if 0 <= index < len(found):
            for slot, value in one.grown.items():
                found[index][slot] = found[index].get(slot, 0.0) + value
    return list(found)
