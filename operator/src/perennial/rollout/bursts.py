"""How much bad requests come in bursts: phi, the variance of their counts over that of independent requests.

Successive differences of stable's rate (von Neumann, 1941) measure it, so that a slow drift of the rate is no burst.
Evidence is tempered by 1/phi: approximate where there are bursts; with phi = 1 nothing is changed and the guarantee is
exact.

Incidents of single pods are bursts that grow with a pod's load. If a stable pod has the ratio phi_pod at its usual
load, a pod with `k` times that load has 1 + (phi_pod − 1)·k (as for beta-binomial counts). At the canary's share w,
with S stable pods and C of the canary, its pods have k = w·S/C and stable's k = 1 − w. The evidence weighs a bad
request of the canary by g and one of stable by g·n_c/n_s, so that the variance of what it adds up is, over that of
independent requests, the mean of both ratios with weights 1 − w and w:

    1 + (phi_pod − 1)·w(1 − w)(S/C + 1).

It counts where it is more than phi of all of stable: bursts whose size does not grow with the load look the same there.
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


def phi(stable: Sequence[Counts]) -> float:
    """The burstiness of all of stable, from its consecutive intervals."""
    return spread(stable).phi


def pod_phi(pods: Iterable[Sequence[Counts]]) -> float:
    """The burstiness of single pods, from each one's own consecutive intervals."""
    return sum((spread(pod) for pod in pods), Spread()).phi


@dataclass(frozen=True)
class Pods:
    """Single pods: their burstiness `phi` at stable's usual load, and how many there are.

    `canary` is the number of the canary's pods if it is the same at every step; 0: as many as its share of `stable`,
    rounded up (the least that a step waits for).
    """

    phi: float = 1.0
    stable: int = 1
    canary: int = 0

    def load(self, share: float) -> float:
        """How many requests a canary pod gets at its version's `share` of traffic, over a stable pod's usual ones."""
        return share * self.stable / (self.canary or max(math.ceil(share * self.stable - 1e-9), 1))


UNSEEN = Pods()
"""Nothing is known of single pods."""


@dataclass(frozen=True)
class Bursts:
    """What is frozen of the burstiness at the start of a rollout: `whole` >= 1 of all of stable, and of single pods."""

    whole: float = 1.0
    pods: Pods = UNSEEN

    def compared(self, share: float) -> float:
        """phi of a comparison at the canary's `share` of traffic in (0, 1]."""
        load = (1 - share) * (self.pods.load(share) + share)
        return max(self.whole, 1 + (self.pods.phi - 1) * load, 1.0)

    def alone(self, share: float) -> float:
        """phi of the canary's own rate at its `share` of traffic."""
        return max(self.whole, 1 + (self.pods.phi - 1) * self.pods.load(share), 1.0)
