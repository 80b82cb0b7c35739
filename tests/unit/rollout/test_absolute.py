"""Absolute bounds: their evidence, the bound that is derived, and what it may cost a healthy canary."""

from __future__ import annotations

import math
from itertools import product
from random import Random

import pytest

from perennial.rollout import absolute, rollback
from perennial.rollout.evalue import Comparison, Counts

from .binomial import binomial
from .test_evalue_exact import pmf

NONE = Counts(0, 0)


def wealth(bound: float, xs: tuple[int, ...], n: int, phi: float = 1.0) -> float:
    ceiling = absolute.begin(bound)
    for at, x in enumerate(xs):
        ceiling = absolute.update(ceiling, Counts(n, x), 0.005, phi, 5.0 * at, 5.0 * (at + 1))
    return math.exp(ceiling.mixture.log_evidence)


@pytest.mark.parametrize("phi", [1.0, 3.0])
@pytest.mark.parametrize("bound", [0.01, 0.2, 0.7])
def test_three_batches_by_enumeration(bound: float, phi: float) -> None:
    n = 5
    for p in (0.0, bound / 2, bound):
        mean = math.fsum(
            math.prod(pmf(n, x, p) for x in xs) * wealth(bound, xs, n, phi) for xs in product(range(n + 1), repeat=3)
        )
        assert mean <= 1 + 1e-12
    above = min(1.5 * bound, 0.95)
    mean = math.fsum(
        math.prod(pmf(n, x, above) for x in xs) * wealth(bound, xs, n) for xs in product(range(n + 1), repeat=3)
    )
    assert mean > 1.02


def test_a_healthy_canary_seldom_crosses_and_one_above_does() -> None:
    rng = Random(1)
    for rate, runs in ((0.05, 100), (0.08, 10)):
        crossed = 0
        for _ in range(runs):
            ceiling = absolute.begin(0.05)
            for poll in range(120):
                canary = Counts(250, binomial(rng, 250, rate))
                ceiling = absolute.update(ceiling, canary, 0.005, 1.0, 5.0 * poll, 5.0 * (poll + 1))
                if ceiling.mixture.log_evidence >= math.log(100):
                    crossed += 1
                    break
        if rate > 0.05:
            assert crossed == runs
        else:
            assert crossed <= 0.01 * runs + 3 * math.sqrt(0.01 * runs)


def test_the_upper_bound_by_hand_and_by_chance() -> None:
    # No bad request of n: (1 − p)^n = 1/1000.
    assert absolute.upper(Counts(1000, 0), 1.0) == pytest.approx(1 - 0.001 ** (1 / 1000))
    assert absolute.upper(Counts(1000, 0), 2.0) == pytest.approx(1 - 0.001 ** (2 / 1000))
    assert absolute.upper(NONE, 1.0) == absolute.upper(Counts(5, 5), 1.0) == 1.0
    rng = Random(2)
    below = sum(absolute.upper(Counts(5000, binomial(rng, 5000, 0.01)), 1.0) < 0.01 for _ in range(3000))
    assert below <= 3 + 3 * math.sqrt(3)
    assert absolute.upper(Counts(5000, 50), 1.0) < 0.02


def test_a_derived_bound_starts_with_evidence_one_and_a_clock_of_its_own() -> None:
    ceiling = absolute.begin(None)
    seen = absolute.counted(ceiling, Comparison(Counts(100, 90), Counts(9000, 90)))
    assert absolute.update(seen, Counts(100, 90), 0.005, 1.0, 0, 5) == seen
    begun = absolute.derived(seen, 7200.0, 1.0, 0.0025, 0.005)
    assert begun.bound == pytest.approx(absolute.upper(Counts(9000, 90), 1.0) + 0.0075)
    later = absolute.update(begun, NONE, 0.005, 1.0, 7200.0, 7260.0)
    assert later.mixture == rollback.staked_and_won(rollback.begin(), (0.0,) * 8, 0.0, 60.0)
    assert later.mixture.log_evidence == pytest.approx(0.0, abs=1e-12)


def test_without_any_rate_of_stable_nothing_is_bet() -> None:
    begun = absolute.derived(absolute.begin(None), 0.0, 1.0, 0.0025, 0.005)
    after = absolute.update(begun, Counts(100, 100), 0.005, 1.0, 0, 5)
    assert after.mixture.log_evidence == pytest.approx(0.0, abs=1e-12)
