"""How much bad requests come in bursts: phi, the variance of their counts over that of independent requests.

Successive differences of stable's rate (von Neumann, 1941) measure it, so that a slow drift of the rate is no burst.
Tempering evidence by 1/phi is approximate; with phi = 1 nothing is changed and the guarantee is exact.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from perennial.rollout.evalue import Counts

NOISE_SD, NOISE_VARIANCE = 2.0, 3.0
"""Of independent requests the ratio over k intervals has a standard deviation of about sqrt(3/k)."""


@dataclass(frozen=True)
class Spread:
    """Sums over pairs of consecutive intervals; those of several pods may be added.

    `squares` is what the differences were, `expected` what independent requests give, `intervals` how many were seen.
    """

    squares: float = 0.0
    expected: float = 0.0
    intervals: int = 0

    def __add__(self, other: Spread) -> Spread:
        """Both together."""
        return Spread(self.squares + other.squares, self.expected + other.expected, self.intervals + other.intervals)

    @property
    def phi(self) -> float:
        """At least 1; what chance alone explains counts as 1."""
        if self.expected <= 0:
            return 1.0
        ratio = self.squares / self.expected
        return ratio if ratio >= 1 + NOISE_SD * math.sqrt(NOISE_VARIANCE / self.intervals) else 1.0


def spread(intervals: Sequence[Counts]) -> Spread:
    """The spread of one series of consecutive intervals; those without requests are passed over."""
    busy = [counts for counts in intervals if counts.n > 0]
    squares = expected = 0.0
    for before, after in pairwise(busy):
        pooled = (before.bad + after.bad) / (before.n + after.n)
        difference = after.bad / after.n - before.bad / before.n
        squares += difference**2 * after.n * before.n / (after.n + before.n)
        expected += pooled * (1 - pooled)
    return Spread(squares, expected, len(busy))


def phi(stable: Sequence[Counts], pods: Iterable[Sequence[Counts]] = (), pod_share: float = 1.0) -> float:
    """The burstiness to reckon with: of all of stable, or, if larger, of single pods.

    `pods` are stable's pods, each with its own consecutive intervals; `pod_share` is the number of requests that a
    canary pod gets for each one of a stable pod: one canary pod against ten stable ones feels an incident of its pod
    ten times as much.
    """
    of_pods = sum((spread(pod) for pod in pods), Spread()).phi
    return max(spread(stable).phi, 1 + (of_pods - 1) * pod_share)
