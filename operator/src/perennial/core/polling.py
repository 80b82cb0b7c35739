"""The fixed grid of poll times, and the one query that serves every rollout."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from perennial.ports.prometheus_types import Series
from perennial.rollout.counts import ACTIVE, CLASS, NAMESPACE_LABEL, SERVICE_LABEL, TOTAL

LOOKBACK_SECONDS = 60.0
"""How far before an interval samples are read, so that its first increments have a beginning."""
CHUNK_SECONDS = 300.0
"""What is missing is caught up in pieces of this length, so that no answer grows with the length of an outage."""
REPLAY_SECONDS = 3600.0
"""What is older is not caught up: left out by its time alone."""
HISTORY_SECONDS = 3600.0
MARGIN_SECONDS = 1.0

_NAMES = f'__name__=~"{TOTAL}|{CLASS}|{ACTIVE}"'


@dataclass(frozen=True)
class Grid:
    """Poll times are the multiples of `poll_seconds` of Unix time; scrapes are `scrape_interval_seconds` apart."""

    poll_seconds: float = 5.0
    scrape_interval_seconds: float = 5.0
    scrape_timeout_seconds: float = 5.0
    job: str = "perennial-gateway"
    """The scrape job that reads the gateway. Prometheus sets this label itself, so what a tenant's pod exports under
    the same names, read by whichever other job, is never taken for the gateway's."""

    def floor(self, time: float) -> float:
        """The last grid time at or before `time`."""
        return math.floor(time / self.poll_seconds) * self.poll_seconds

    def complete(self, now: float) -> float:
        """The last grid time whose samples must all have arrived: a scrape may take its whole timeout."""
        return self.floor(now - self.scrape_timeout_seconds - MARGIN_SECONDS)

    def wait(self, now: float) -> float:
        """Seconds until `complete` next changes, and a little more, so that rounding never asks twice."""
        return 0.01 + self.complete(now) + self.poll_seconds + self.scrape_timeout_seconds + MARGIN_SECONDS - now

    def straddles(self, start: float, end: float, change: float) -> bool:
        """Whether (start, end] may hold a scrape interval with requests of two weights, by time alone."""
        return start < change + self.scrape_interval_seconds + MARGIN_SECONDS and end > change - MARGIN_SECONDS

    def unclear(self, change: float) -> tuple[float, float]:
        """When the gateway may have had either weight, or our clock and Prometheus' differ."""
        return (change - MARGIN_SECONDS, change + MARGIN_SECONDS)


def shared_query(job: str, seconds: float) -> str:
    """Raw samples of every InferenceService behind the gateway."""
    return f'{{job="{job}",{_NAMES},{SERVICE_LABEL}!=""}}[{math.ceil(seconds)}s]'


def history_query(job: str, namespace: str, services: Iterable[str]) -> str:
    """Raw samples of an hour of the named InferenceServices (DNS labels: nothing to escape)."""
    names = "|".join(sorted(set(services)))
    return (
        f'{{job="{job}",{_NAMES},{NAMESPACE_LABEL}="{namespace}",{SERVICE_LABEL}=~"{names}"}}'
        f"[{math.ceil(HISTORY_SECONDS + LOOKBACK_SECONDS)}s]"
    )


def by_service(answer: Iterable[Series]) -> dict[tuple[str, str], list[Series]]:
    """Series by (namespace, InferenceService)."""
    split: defaultdict[tuple[str, str], list[Series]] = defaultdict(list)
    for series in answer:
        split[series.labels.get(NAMESPACE_LABEL, ""), series.labels.get(SERVICE_LABEL, "")].append(series)
    return dict(split)
