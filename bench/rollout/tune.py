"""A peer's rule tuned with perfect knowledge of the base rate and of the traffic, as nobody has it in production.

Of a grid of settings, the one that promotes a good model soonest among those that roll back at most 1 % of good models
and promote at most 5 % of those that are half a point worse; if there is none, the one that is nearest to that.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from bench.rollout.peers import Argo, Flagger, simulate
from bench.rollout.twin import PROMOTE, ROLL_BACK
from bench.rollout.world import Scenario

FALSE_ROLLBACK, MISS, HARM = 0.01, 0.05, 0.005
CANDIDATES = 6
"""So many of the best settings after a first look get a second with ten times as many rollouts."""


@dataclass(frozen=True)
class Tuned:
    """The rule, and what it does where it was tuned."""

    rule: Flagger | Argo
    false_rollback: float
    miss: float
    promote_p50_s: float

    @property
    def excess(self) -> float:
        """How far it is from both goals; 0 when both are met."""
        return max(0.0, self.false_rollback / FALSE_ROLLBACK - 1) + max(0.0, self.miss / MISS - 1)

    @property
    def rank(self) -> tuple[float, float]:
        """Smaller is better."""
        return self.excess, self.promote_p50_s


def tune(default: Flagger | Argo, base: float, rps: float, runs: int, seed: int) -> Tuned:
    """The best settings of `default`'s kind for a base rate and traffic that are known exactly."""
    settings: list[Flagger | Argo] = [*_flaggers(base)] if isinstance(default, Flagger) else [*_argos(base)]
    first = sorted((_measure(rule, base, rps, runs // 10, seed) for rule in settings), key=lambda each: each.rank)
    second = (_measure(each.rule, base, rps, runs, seed + 1) for each in first[:CANDIDATES])
    return min(second, key=lambda each: each.rank)


def _cutoffs(base: float) -> list[float]:
    return [1 - base - HARM * part for part in (0.2, 0.35, 0.5, 0.65, 0.8)]


def _flaggers(base: float) -> Iterator[Flagger]:
    for interval, threshold, success in product((60.0, 120.0, 300.0, 600.0), (1, 2, 3, 5), _cutoffs(base)):
        yield replace(Flagger(), interval=interval, threshold=threshold, success=success)


def _argos(base: float) -> Iterator[Argo]:
    for pause, parts, limit, success in product((120.0, 300.0, 600.0), (1, 2, 4), (0, 1, 2, 3), _cutoffs(base)):
        interval = pause / parts
        yield replace(Argo(), pause=pause, interval=interval, limit=limit, success=success, starting=0)


def _measure(rule: Flagger | Argo, base: float, rps: float, rows: int, seed: int) -> Tuned:
    rng = np.random.default_rng(seed)
    good = simulate(Scenario(base, rps), rule, rows, rng)
    bad = simulate(Scenario(base, rps, harm=HARM), rule, rows, rng)
    soon = good.quantile(PROMOTE, 0.5)
    return Tuned(rule, good.share(ROLL_BACK), bad.share(PROMOTE), soon if soon is not None else float("inf"))
