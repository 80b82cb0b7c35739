"""Evidence that the canary's own rate is above a bound, whatever stable's is: a one-sample e-process.

The null is `p_c <= bound` at all times. Eight alternatives `bound + u·2^j`, j = −1..6, with u the larger of delta and a
quarter of the bound, and the same prior and start times as the comparison with stable. It is a process of its own with
half of its metric's weight.

Where no old version is left to compare with after the promotion, a bound is derived for a metric that has none:
stable's rate during the rollout, as high as it may have been with 99.9 %, plus the slack m and the tolerance delta.
That says something of the canary only as long as the rate that both would have stays below it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from perennial.rollout import rollback
from perennial.rollout.evalue import NO_REQUESTS, THETA_MAX, B, Comparison, Counts, log_evidence_bound, tempered
from perennial.rollout.numeric import bernoulli_kl
from perennial.rollout.rollback import DOUBLINGS, Mixture

LOG_DOUBT = math.log(1000)
"""How sure the upper bound of stable's rate is: 99.9 %."""
UNIT = 0.25
BISECTIONS = 50


@dataclass(frozen=True)
class Ceiling:
    """One metric's absolute bound and its evidence.

    `bound` is None while it is still to be derived, at the begin of the bake. `since` is the counted time at which its
    evidence began (seconds since the first batch). `totals` are counts as the bound has them, of both versions.
    """

    bound: float | None
    since: float
    mixture: Mixture
    totals: Comparison


def begin(bound: float | None, since: float = 0.0) -> Ceiling:
    """Evidence 1."""
    return Ceiling(bound, since, rollback.begin(), Comparison(NO_REQUESTS, NO_REQUESTS))


def upper(counts: Counts, phi: float) -> float:
    """The highest rate that `counts` allow with 99.9 %: the p with n·KL(bad/n‖p) = phi·log(1000) (Chernoff's bound)."""
    if counts.n == 0:
        return 1.0
    rate, allowed = counts.bad / counts.n, phi * LOG_DOUBT / counts.n
    low, high = rate, 1.0
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        if middle < 1 and bernoulli_kl(rate, middle) <= allowed:
            low = middle
        else:
            high = middle
    return high


def derived(ceiling: Ceiling, at: float, phi: float, slack: float, delta: float) -> Ceiling:
    """With the bound b·(upper bound of stable's rate) + m + delta, from counted second `at` on."""
    return replace(ceiling, bound=B * upper(ceiling.totals.stable, phi) + slack + delta, since=at)


def counted(ceiling: Ceiling, batch: Comparison) -> Ceiling:
    """With the counts of `batch` noted, which are no evidence yet."""
    before = ceiling.totals
    return replace(ceiling, totals=Comparison(before.canary + batch.canary, before.stable + batch.stable))


def update(ceiling: Ceiling, canary: Counts, delta: float, phi: float, start: float, end: float) -> Ceiling:
    """With the evidence of the canary's counts over counted seconds `start` to `end`; as it is without a bound."""
    bound = ceiling.bound
    if bound is None:
        return ceiling
    unit = max(delta, UNIT * bound)
    gains = tuple(
        tempered(log_evidence_bound(bound, canary, min(bound + unit * 2.0**doubling, THETA_MAX), phi), phi)
        for doubling in DOUBLINGS
    )
    mixture = rollback.staked_and_won(ceiling.mixture, gains, start - ceiling.since, end - ceiling.since)
    return replace(ceiling, mixture=mixture)
