"""The rules of Flagger and Argo Rollouts, as their documents describe them, in the simulated world.

Both compare the canary's success rate of a window with a fixed number. Flagger looks once an interval: a check that
passes moves the weight on, one that fails is counted, and as many as the threshold roll back. Argo Rollouts moves the
weight by time while an analysis runs beside it; more failed measurements than the limit abort.
Sources: docs.flagger.app "How it works" and "Metrics analysis"; argo-rollouts.readthedocs.io "Analysis & Progressive
Delivery" (background analysis).
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from bench.rollout.evalue import Array, Mask
from bench.rollout.outcome import HORIZON, Ledger, Outcomes
from bench.rollout.twin import PROMOTE, ROLL_BACK
from bench.rollout.world import TICK, Scenario, World


@dataclass(frozen=True)
class Flagger:
    """`interval` between checks (also the metric's window) in seconds, `threshold` failed checks that roll back,
    `success` the least share of good requests, `step` and `most` the weights in percent."""

    interval: float = 60.0
    threshold: int = 5
    success: float = 0.99
    step: int = 10
    most: int = 50


@dataclass(frozen=True)
class Argo:
    """`interval` between measurements (also the window), `limit` failed ones that are allowed, `success` the least
    share of good requests, `weights` in percent, each kept for `pause` seconds; measured from step `starting` on."""

    interval: float = 300.0
    limit: int = 3
    success: float = 0.95
    weights: tuple[int, ...] = (20, 40, 60, 80)
    pause: float = 600.0
    starting: int = 1


class _Window:
    """The canary's requests and bad ones of the last `seconds`."""

    def __init__(self, seconds: float) -> None:
        self._kept: deque[tuple[Array, Array]] = deque(maxlen=max(1, round(seconds / TICK)))

    def add(self, n: Array, bad: Array) -> None:
        """One interval."""
        self._kept.append((n, bad))

    def success(self) -> Array:
        """Share of good requests; 0 where there were none, as both systems count missing values as a failure."""
        n = sum((each[0] for each in self._kept), np.zeros(1))
        bad = sum((each[1] for each in self._kept), np.zeros(1))
        return np.where(n > 0, 1 - bad / np.maximum(n, 1), 0.0)


def simulate(scenario: Scenario, rule: Flagger | Argo, rows: int, rng: np.random.Generator) -> Outcomes:
    """`rows` rollouts of `scenario` under a peer's rule."""
    world, ledger = World(scenario, rows, rng), Ledger(scenario, rows)
    window, run = _Window(rule.interval), _Flagger(rule, rows) if isinstance(rule, Flagger) else _Argo(rule, rows)
    time = 0.0
    while time < HORIZON and ledger.active.any():
        share = np.where(ledger.active, run.weight / 100, np.where(ledger.out.verdict == PROMOTE, 1.0, 0.0))
        counts = world.interval(time, share)
        ledger.served(time, share, counts.n_c)
        window.add(counts.n_c, counts.x_c)
        time += TICK
        promoted, rolled_back = run.look(time, window, ledger.active)
        ledger.end(rolled_back, ROLL_BACK, time)
        ledger.promote(promoted, time, done=True)
    return ledger.rest(time)


class _Flagger:
    def __init__(self, rule: Flagger, rows: int) -> None:
        self._rule = rule
        self.weight = np.full(rows, float(rule.step))
        self._failed = np.zeros(rows)

    def look(self, time: float, window: _Window, active: Mask) -> tuple[Mask, Mask]:
        """Who is promoted and who is rolled back."""
        nobody = np.zeros(len(self.weight), dtype=bool)
        if time % self._rule.interval:
            return nobody, nobody
        rolled_back = active & (self._failed >= self._rule.threshold)
        passed = window.success() >= self._rule.success
        looking = active & ~rolled_back
        self._failed[looking & ~passed] += 1
        promoted = looking & passed & (self.weight >= self._rule.most)
        moving = looking & passed & ~promoted
        self.weight[moving] = np.minimum(self.weight[moving] + self._rule.step, self._rule.most)
        return promoted, rolled_back


class _Argo:
    def __init__(self, rule: Argo, rows: int) -> None:
        self._rule = rule
        self.weight = np.full(rows, float(rule.weights[0]))
        self._failed = np.zeros(rows)

    def look(self, time: float, window: _Window, active: Mask) -> tuple[Mask, Mask]:
        """Who is promoted and who is rolled back."""
        rule, nobody = self._rule, np.zeros(len(self.weight), dtype=bool)
        began = rule.starting * rule.pause
        if time > began and not (time - began) % rule.interval:
            self._failed += window.success() < rule.success
        rolled_back = active & (self._failed > rule.limit)
        step = int(time // rule.pause)
        if step >= len(rule.weights):
            return active & ~rolled_back, rolled_back
        self.weight[:] = rule.weights[step]
        return nobody, rolled_back
