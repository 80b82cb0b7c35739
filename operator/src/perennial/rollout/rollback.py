"""Evidence that the canary is worse: a mixture over how much worse, and over when it began.

The null is `p_c <= b·p_s + m` at all times. Eight alternatives `theta_c = m + b·theta_s + delta·2^j`, j = −1..6, share
the capital; 70 % of it is staked at the first batch and 30 % over a day by F(s), so that a canary which breaks late is
found too. A mixture of nonnegative supermartingales is one, so by Ville (1939) P(ever E >= 1/alpha) <= alpha.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from perennial.rollout.evalue import THETA_MAX, Comparison, Line, log_evidence, tempered
from perennial.rollout.numeric import log_add, log_sum

DOUBLINGS = (-1, 0, 1, 2, 3, 4, 5, 6)
PRIOR = (0.06, 0.18, 0.30, 0.20, 0.12, 0.07, 0.04, 0.03)
LATE = 0.3
DAY = 86400.0


@dataclass(frozen=True)
class Mixture:
    """Wealth of each alternative as natural logarithms, and what is not staked yet (minus infinity after a day)."""

    logs: tuple[float, ...]
    log_reserve: float

    @property
    def log_evidence(self) -> float:
        """log E: the sum over all parts."""
        return log_sum((*self.logs, self.log_reserve))


def staked(seconds: float) -> float:
    """F(s): the share of the late capital staked after `seconds` of counted time; 1 from a day on."""
    return math.log1p(min(seconds, DAY) / 60) / math.log1p(DAY / 60)


def begin() -> Mixture:
    """Evidence 1, before the first batch."""
    return Mixture(tuple(math.log((1 - LATE) * prior) for prior in PRIOR), math.log(LATE))


def _log(value: float) -> float:
    return math.log(value) if value > 0 else -math.inf


@dataclass(frozen=True)
class Bets:
    """What a batch is judged with: the line, stable's guessed rate, the tolerance delta, and burstiness phi."""

    line: Line
    theta_s: float
    delta: float
    phi: float


def update(mixture: Mixture, batch: Comparison, bets: Bets, start: float, end: float) -> Mixture:
    """The mixture after `batch`, which covers counted seconds `start` to `end` since the first batch."""
    base = bets.line.a + bets.line.b * bets.theta_s
    gains = []
    for doubling in DOUBLINGS:
        theta_c = min(base + bets.delta * 2.0**doubling, THETA_MAX)
        gains.append(tempered(log_evidence(bets.line, batch, theta_c, bets.theta_s, bets.phi), bets.phi))
    return staked_and_won(mixture, tuple(gains), start, end)


def staked_and_won(mixture: Mixture, gains: tuple[float, ...], start: float, end: float) -> Mixture:
    """L_j <- (L_j + 0.3·prior_j·(F(end) − F(start)))·exp(gain_j)."""
    fresh = LATE * (staked(end) - staked(start))
    logs = tuple(
        log_add(log_wealth, _log(prior * fresh)) + gain
        for log_wealth, prior, gain in zip(mixture.logs, PRIOR, gains, strict=True)
    )
    return Mixture(logs, _log(LATE * (1 - staked(end))))
