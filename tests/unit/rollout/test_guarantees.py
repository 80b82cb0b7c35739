"""What is promised, by simulation with fixed seeds. Shares are compared with their bound plus three standard errors."""

from __future__ import annotations

import math
from random import Random
from statistics import mean, median

import pytest

from perennial.rollout import Plan, Verdict, engine, errors
from perennial.rollout.engine import Batch, Facts, History
from perennial.rollout.evalue import Comparison, Counts

from .binomial import binomial
from .simulation import HOUR, Outcome, Rates, fixed, play

PLAN = Plan(metrics=errors(0.005))


def at_most(share: float, runs: int) -> float:
    """The bound on an observed share."""
    return share + 3 * math.sqrt(share * (1 - share) / runs)


def played(runs: int, rps: int, rates: Rates, seed: int, slack: float = 0.0) -> list[Outcome]:
    rng = Random(seed)
    return [play(rng, PLAN, rps, rates, slack=slack, cap=HOUR) for _ in range(runs)]


def share(outcomes: list[Outcome], verdict: Verdict) -> float:
    return sum(outcome.verdict is verdict for outcome in outcomes) / len(outcomes)


def test_a_good_canary_is_promoted_in_time() -> None:
    """The figure to reach is a median of 135 s; here four more batches are left out around changes of weight."""
    outcomes = played(150, 100, fixed(0.01, 0.01), seed=1)
    assert share(outcomes, Verdict.ROLL_BACK) <= at_most(0.01, 150)
    assert median(outcome.seconds for outcome in outcomes) <= 135 + 4 * PLAN.poll_seconds + 15


def test_a_canary_one_point_worse_is_rolled_back_early() -> None:
    outcomes = played(150, 100, fixed(0.01, 0.02), seed=2)
    assert share(outcomes, Verdict.ROLL_BACK) == 1.0
    assert mean(outcome.canary_requests for outcome in outcomes) <= 2140 * 1.2


@pytest.mark.parametrize("slack", [0.0, 0.2])
def test_a_canary_worse_by_the_tolerance_is_seldom_promoted(slack: float) -> None:
    outcomes = played(100, 100, fixed(0.01, 0.015), seed=3, slack=slack)
    assert share(outcomes, Verdict.PROMOTE) <= at_most(0.05, 100)


def test_drifting_rates_accuse_nobody() -> None:
    def sinus(time: float) -> tuple[float, float]:
        rate = 0.02 * (1 + 0.5 * math.sin(time / 50))
        return rate, rate

    outcomes = played(80, 100, sinus, seed=4)
    assert share(outcomes, Verdict.ROLL_BACK) <= at_most(0.01, 80)


def test_a_common_outage_accuses_nobody_and_is_recovered_from() -> None:
    def outage(time: float) -> tuple[float, float]:
        return (0.5, 0.5) if 30 < time <= 330 else (0.01, 0.01)

    outcomes = played(40, 100, outage, seed=5)
    assert share(outcomes, Verdict.ROLL_BACK) <= at_most(0.01, 40)
    assert median(outcome.seconds for outcome in outcomes if outcome.verdict is Verdict.PROMOTE) <= 330 + 300


@pytest.mark.parametrize("drift", [False, True])
def test_evidence_against_a_healthy_canary_seldom_ever_crosses(drift: bool) -> None:
    """Ville: held at one weight for many polls, looked at after each. (A crossing is not undone by later polls.)"""
    rng, runs, crossings = Random(6), 150, 0
    for _ in range(runs):
        state = engine.start(
            Plan(metrics=errors(0.01)), {engine.ERRORS: History(Counts(9000, 450), 360, 25)}, slack=0.0
        )
        for poll in range(120):
            rate = 0.05 * (1 + 0.9 * math.sin(poll / 9)) if drift else 0.05
            canary, stable = 25 + poll % 3 * 10, 60 + poll % 7 * 5
            both = Comparison(Counts(canary, binomial(rng, canary, rate)), Counts(stable, binomial(rng, stable, rate)))
            state = engine.update(state, Batch(5, {engine.ERRORS: both}), 0)
            if engine.verdict(state, 0, Facts(0)).verdict is Verdict.ROLL_BACK:
                crossings += 1
                break
    assert crossings / runs <= at_most(0.01, runs)


def test_failures_that_take_as_long_as_a_request_may_are_waited_for() -> None:
    """Every move waits for the request timeout, however good the evidence."""
    state = engine.start(PLAN, {engine.ERRORS: History(Counts(360_000, 360), HOUR, 100)})
    perfect = Comparison(Counts(100_000, 100), Counts(100_000, 100))
    state = engine.update(state, Batch(5, {engine.ERRORS: perfect}), 0)
    for step in range(4):
        assert engine.verdict(state, step, Facts(19.9)).verdict is Verdict.HOLD
        assert engine.verdict(state, step, Facts(20.0)).verdict is not Verdict.HOLD
