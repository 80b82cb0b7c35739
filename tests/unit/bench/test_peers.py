"""The peers' rules in the simulation give what can be computed without it."""

from math import comb, exp, factorial

import numpy as np
import pytest

from bench.rollout.information import least_requests
from bench.rollout.peers import Argo, Flagger, simulate
from bench.rollout.twin import PROMOTE, ROLL_BACK
from bench.rollout.world import Scenario

RUNS = 4000


def poisson_at_most(mean: float, most: int) -> float:
    return sum(exp(-mean) * mean**k / factorial(k) for k in range(most + 1))


def fails(base: float, requests: float, success: float) -> float:
    """The chance that less than `success` of `requests` requests are good; their number is Poisson."""
    passed = 0.0
    for n in range(1, 4 * round(requests)):
        weight = exp(n * np.log(requests) - requests - sum(np.log(range(1, n + 1))))
        allowed = int(n * (1 - success) + 1e-9)
        passed += weight * sum(comb(n, k) * base**k * (1 - base) ** (n - k) for k in range(allowed + 1))
    return 1 - passed


def flagger_rolls_back(base: float, rps: float, rule: Flagger) -> float:
    """A race between checks that pass, one per weight, and `threshold` that fail: exactly, by states."""
    weights = [rule.step * each for each in range(1, rule.most // rule.step + 1)]
    chance = [fails(base, rps * rule.interval * weight / 100, rule.success) for weight in weights]
    state = {(0, 0): 1.0}
    lost = 0.0
    while state:
        ahead: dict[tuple[int, int], float] = {}
        for (at, failed), weight in state.items():
            if failed + 1 == rule.threshold:
                lost += weight * chance[at]
            else:
                ahead[at, failed + 1] = ahead.get((at, failed + 1), 0.0) + weight * chance[at]
            if at + 1 < len(chance):
                ahead[at + 1, failed] = ahead.get((at + 1, failed), 0.0) + weight * (1 - chance[at])
        state = ahead
    return lost


@pytest.mark.parametrize(("base", "rps"), [(0.01, 10.0), (0.005, 10.0), (0.02, 3.0)])
def test_flagger_rolls_back_as_often_as_computed(base: float, rps: float) -> None:
    rule = Flagger()
    share = simulate(Scenario(base, rps), rule, RUNS, np.random.default_rng(1)).share(ROLL_BACK)
    expected = flagger_rolls_back(base, rps, rule)
    assert share == pytest.approx(expected, abs=4 * (expected * (1 - expected) / RUNS) ** 0.5 + 0.003)


def test_flagger_promotes_after_a_check_at_each_weight() -> None:
    found = simulate(Scenario(0.0, 10.0), Flagger(), 10, np.random.default_rng(1))
    assert found.share(PROMOTE) == 1
    assert set(found.seconds) == {300.0}


def test_argo_takes_its_pauses_and_allows_three_failures() -> None:
    good = simulate(Scenario(0.01, 10.0), Argo(), 10, np.random.default_rng(1))
    assert set(good.seconds[good.verdict == PROMOTE]) == {2400.0}
    broken = simulate(Scenario(0.5, 10.0), Argo(), 10, np.random.default_rng(1))
    assert broken.share(ROLL_BACK) == 1
    assert set(broken.seconds) == {600.0 + 4 * 300.0}


def test_the_information_bound_is_the_textbook_one_without_a_control() -> None:
    # With stable known exactly (weight 0) the bound is Wald's log(1/alpha)/KL.
    p_c, p_s = 0.05, 0.01
    divergence = p_c * np.log(p_c / p_s) + (1 - p_c) * np.log((1 - p_c) / (1 - p_s))
    assert least_requests(p_c, p_s, 1e-9, 0.01) == pytest.approx(np.log(100) / divergence, rel=1e-3)
