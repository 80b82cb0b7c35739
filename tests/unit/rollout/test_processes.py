"""Rollback's mixture, advance's cap, steering and step margins."""

from __future__ import annotations

import math

import pytest

from perennial.rollout import Plan, Step, advance, errors, metric, rollback, steering, steps
from perennial.rollout.evalue import Comparison, Counts, Line, Null
from perennial.rollout.numeric import bernoulli_kl, log_add, log_sum
from perennial.rollout.steering import History, Steering

BETS = rollback.Bets(Line(0.001, Null.AT_MOST), 0.01, 0.005, 1.0)
EMPTY = Comparison(Counts(0, 0), Counts(0, 0))


def test_capital_is_one_and_time_alone_does_not_change_it() -> None:
    assert math.fsum(rollback.PRIOR) == pytest.approx(1.0, abs=1e-15)
    mixture = rollback.begin()
    assert mixture.log_evidence == pytest.approx(0.0, abs=1e-12)
    for start in range(0, 100_000, 5000):
        mixture = rollback.update(mixture, EMPTY, BETS, start, start + 5000)
        assert mixture.log_evidence == pytest.approx(0.0, abs=1e-9)
    assert mixture.log_reserve == -math.inf


def test_staking_by_hand() -> None:
    assert rollback.staked(0) == 0.0
    assert rollback.staked(60) == pytest.approx(math.log(2) / math.log(1441))
    assert rollback.staked(86400) == rollback.staked(1e9) == 1.0


def test_bad_batches_raise_and_good_ones_lower_the_evidence() -> None:
    bad = Comparison(Counts(25, 10), Counts(475, 5))
    good = Comparison(Counts(250, 0), Counts(250, 5))
    assert rollback.update(rollback.begin(), bad, BETS, 0, 5).log_evidence > math.log(100)
    assert rollback.update(rollback.begin(), good, BETS, 0, 5).log_evidence < 0


def test_one_poll_loses_at_most_three_nats() -> None:
    awful = Comparison(Counts(100, 0), Counts(100, 100))
    mixture = rollback.update(rollback.begin(), awful, BETS, 0, 5)
    assert mixture.log_evidence >= math.log(0.05) - 1e-9


def test_advance_is_capped_and_forgets() -> None:
    logs: tuple[float, ...] = (0.0, 0.0)
    perfect = Comparison(Counts(500, 0), Counts(500, 5))
    for _ in range(100):
        logs = advance.update(logs, perfect, (0.05, 0.005), 0.01, 1.0, 0.05)
    assert logs == pytest.approx((math.log(20) + 1,) * 2)
    broken = Comparison(Counts(500, 60), Counts(500, 5))
    logs = advance.update(logs, broken, (0.05, 0.005), 0.01, 1.0, 0.05)
    assert max(logs) < math.log(20)


def test_steering_begins_with_at_most_500_polls() -> None:
    guess = steering.begin(History(Counts(360_000, 3600), 3600, 100), 5)
    assert guess.n == pytest.approx(1 + 360_000 * 500 / 720)
    assert guess.theta == pytest.approx(0.01, rel=1e-3)
    assert steering.begin(History(Counts(0, 0), 0, 0), 5) == Steering(0.5, 1.0)


def test_a_surprise_drops_the_past() -> None:
    guess = Steering(2500.5, 250_001)
    usual = steering.update(guess, Counts(475, 7), 1.0)
    assert usual.x == pytest.approx(0.998 * 2500.5 + 7)
    outage = steering.update(guess, Counts(475, 200), 1.0)
    assert outage.theta == pytest.approx(200 / 475, rel=0.01)
    assert not steering.surprised(guess, Counts(475, 30), 20.0)
    assert steering.surprised(guess, Counts(475, 30), 1.0)


def test_x_never_vanishes() -> None:
    guess = Steering(0.25, 100)
    for _ in range(1000):
        guess = steering.update(guess, Counts(100, 0), 1.0)
    assert guess.x == 0.25


def test_margins_by_hand() -> None:
    plan = Plan(metrics=errors(0.005))
    margins = steps.margins(plan, 0.005, 0.01, 100)
    assert margins == pytest.approx((0.05, 0.02, 0.01, 0.005))
    d = steps.detectable(0.01, 0.02)
    assert bernoulli_kl(0.01 + d, 0.01) == pytest.approx(0.02, abs=1e-12)
    assert steps.detectable(0.01, 100.0) == pytest.approx(0.9 * 0.99)
    assert steps.margins(plan, 0.005, 0.01, 10_000)[-1] < 0.005
    assert steps.margins(plan, 0.005, 0.01, 0) == pytest.approx((0.05, 0.02, 0.01, 0.005))


@pytest.mark.parametrize(("p_s", "expected"), [(0.0, 0.0005), (0.002, 0.002), (0.2, 0.005)])
def test_tolerance_follows_stable(p_s: float, expected: float) -> None:
    assert steps.tolerance(metric("errors"), p_s) == expected
    assert steps.tolerance(metric("errors", 0.03), p_s) == 0.03


@pytest.mark.parametrize(
    ("rps", "weights", "expected"), [(100, (5, 10, 25, 50), 0), (10, (5, 10, 25, 50), 2), (1, (5, 10), 1)]
)
def test_thin_traffic_starts_higher(rps: float, weights: tuple[int, ...], expected: int) -> None:
    plan = Plan(steps=tuple(Step(weight) for weight in weights))
    assert steps.first_step(plan, rps) == expected


def test_log_helpers() -> None:
    assert log_add(-math.inf, -math.inf) == -math.inf
    assert log_add(-math.inf, 2.0) == 2.0
    assert log_add(1000.0, 1000.0) == pytest.approx(1000 + math.log(2))
    assert log_sum(()) == -math.inf
    assert bernoulli_kl(0.0, 0.5) == bernoulli_kl(1.0, 0.5) == pytest.approx(math.log(2))


@pytest.mark.parametrize(
    "wrong",
    [
        {"false_rollback": 0.0},
        {"miss": 1.0},
        {"metrics": ()},
        {"metrics": errors() + errors()},
        {"holdback": 100},
        {"bake_seconds": -1.0},
        {"steps": ()},
        {"poll_seconds": 0.0},
    ]
    + [{"steps": tuple(Step(weight) for weight in weights)} for weights in ((10, 5), (5, 5), (0, 5), (5, 100))],
)
def test_plans_that_no_evidence_could_follow(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="must"):
        Plan(**wrong)  # type: ignore[arg-type]
