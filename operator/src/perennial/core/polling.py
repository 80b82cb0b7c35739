"""The fixed grid of poll times."""

from __future__ import annotations

import math
from dataclasses import dataclass

CHUNK_SECONDS = 300.0
"""What is missing is caught up in pieces of this length, so that no answer grows with the length of an outage."""
REPLAY_SECONDS = 3600.0
"""What is older is not caught up: left out by its time alone."""
HISTORY_SECONDS = 3600.0
MARGIN_SECONDS = 1.0


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

    def straddles(self, start: float, end: float, first: float, last: float) -> bool:
        """Whether (start, end] may hold a scrape interval that touches what happened from `first` to `last`."""
        return start < last + self.scrape_interval_seconds + MARGIN_SECONDS and end > first - MARGIN_SECONDS

    def unclear(self, first: float, last: float) -> tuple[float, float]:
        """The same time, as far as the gateway or our clock may be from Prometheus'."""
        return (first - MARGIN_SECONDS, last + MARGIN_SECONDS)
