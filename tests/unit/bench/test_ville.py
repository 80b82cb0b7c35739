"""What is promised of healthy canaries, on the vectorised twin: thousands of rollouts, looked at after every poll."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from bench.rollout.evalue import Array, Counts
from bench.rollout.twin import History, Twin
from perennial.rollout import Plan, Step, errors

REQUESTS = 400
PLAN = Plan(metrics=errors(0.005), steps=(Step(50),))
MARGIN = 0.2 * 0.005
Draw = Callable[[np.random.Generator, int, Twin], tuple[Array, Array]]
"""Stable's true rate and the canary's share of the requests, of every rollout, for the next poll."""


def fixed(rng: np.random.Generator, poll: int, twin: Twin) -> tuple[Array, Array]:
    """5 % of the requests, 1 % of them bad."""
    return np.full(len(twin.peak), 0.01), np.full(len(twin.peak), 0.05)


def drifting(rng: np.random.Generator, poll: int, twin: Twin) -> tuple[Array, Array]:
    """The common rate swings by 90 %, and doubles for an hour at a time."""
    rate = 0.02 * (1 + 0.9 * math.sin(poll / 9)) * (1 + (poll // 240) % 2)
    return np.full(len(twin.peak), rate), np.full(len(twin.peak), 0.25)


def adversary(rng: np.random.Generator, poll: int, twin: Twin) -> tuple[Array, Array]:
    """Rates and splits are chosen anew at each poll, by one who knows all evidence so far and the bets to come."""
    rows, part = len(twin.peak), twin.parts[0]
    rate = np.where(rng.random(rows) < 0.5, rng.choice([0.0005, 0.01, 0.3], rows), part.theta * 3)
    winning = part.mixture.log_evidence(np.ones(rows, dtype=bool)) > 0
    share = np.where(winning, rng.choice([0.02, 0.9], rows), rng.choice([0.05, 0.5], rows))
    return np.minimum(rate, 0.5), share


@dataclass
class Played:
    """The shares of rollouts that were ever rolled back, and that were ever ready for the last move."""

    crossed: float
    promoted: float


def play(draw: Draw, worse: float, rollouts: int, polls: int, seed: int) -> Played:
    """Every rollout stays at the last step; the canary is `worse` by so much in every batch."""
    rng = np.random.default_rng(seed)
    n = np.full(rollouts, 3600.0 * REQUESTS / 5)
    past = History(n, rng.binomial(n.astype(int), 0.01).astype(float), 3600.0, n / 3600, np.ones(rollouts))
    twin, rows = Twin(PLAN, {"errors": past}), np.ones(rollouts, dtype=bool)
    step, ready = np.zeros(rollouts, dtype=np.int64), np.zeros(rollouts, dtype=bool)
    for poll in range(polls):
        rate, share = draw(rng, poll, twin)
        n_c = rng.binomial(REQUESTS, share)
        x_c, x_s = rng.binomial(n_c, np.minimum(rate + worse, 1.0)), rng.binomial(REQUESTS - n_c, rate)
        twin.update(rows, [Counts(*(each.astype(float) for each in (n_c, x_c, REQUESTS - n_c, x_s)))], step)
        ready |= twin.parts[0].advance[:, -1] >= math.log(1 / PLAN.miss)
    return Played(float(np.mean(twin.peak >= math.log(100))), float(np.mean(ready)))


def at_most(share: float, rollouts: int) -> float:
    """The bound on an observed share: three standard errors more."""
    return share + 3 * math.sqrt(share * (1 - share) / rollouts)


@pytest.mark.parametrize("draw", [fixed, drifting, adversary])
def test_evidence_against_a_canary_that_is_no_worse_seldom_ever_crosses(draw: Draw) -> None:
    assert play(draw, MARGIN, 3000, 720, seed=1).crossed <= at_most(PLAN.false_rollback, 3000)


@pytest.mark.parametrize("draw", [fixed, drifting, adversary])
def test_a_canary_worse_by_the_tolerance_is_seldom_ever_ready(draw: Draw) -> None:
    assert play(draw, 0.005, 1000, 240, seed=2).promoted <= at_most(PLAN.miss, 1000)


def test_the_simulation_notices_what_is_worse() -> None:
    assert play(fixed, 0.02, 300, 60, seed=3).crossed > 0.5
