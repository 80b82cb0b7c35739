"""What is promised, by simulation with fixed seeds. Shares are compared with their bound plus three standard errors."""

from __future__ import annotations

import math
from dataclasses import replace
from random import Random
from statistics import mean, median, stdev

import pytest

from perennial.rollout import Plan, Step, Verdict, engine, errors, metric
from perennial.rollout.engine import Batch, Facts, History
from perennial.rollout.evalue import Comparison, Counts
from perennial.rollout.numeric import bernoulli_kl

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


def test_failures_that_take_as_long_as_a_request_may_are_waited_for() -> None:
    """Every move waits for the request timeout, however good the evidence."""
    state = engine.start(PLAN, {engine.ERRORS: History(Counts(360_000, 360), HOUR, 100)})
    perfect = Comparison(Counts(100_000, 100), Counts(100_000, 100))
    state = engine.update(state, Batch(5, {engine.ERRORS: perfect}), 0)
    for step in range(4):
        assert engine.verdict(state, step, Facts(19.9)).verdict is Verdict.HOLD
        assert engine.verdict(state, step, Facts(20.0)).verdict is not Verdict.HOLD


@pytest.mark.parametrize("harm", [0.01, 0.02, 0.05])
def test_a_worse_canary_costs_little_more_than_it_must(harm: float) -> None:
    """One of three metrics gets worse at once: at most 1.5 times Wald's bound, and a poll, until the rollback."""
    plan = replace(PLAN, metrics=tuple(metric(name, 0.005) for name in ("errors", "latency", "wrong")))
    rng, p_s, p_c, runs = Random(8), 0.01, 0.01 + harm, 25
    q = 0.95 * p_s + 0.05 * p_c
    nats = bernoulli_kl(p_c, q) + 19 * bernoulli_kl(p_s, q)
    spent = []
    for _ in range(runs):
        history = History(Counts(360_000, binomial(rng, 360_000, p_s)), HOUR, 100)
        state, canary = engine.start(plan, {each.name: history for each in plan.metrics}, slack=0.0), 0
        while engine.verdict(state, 0, Facts(0)).verdict is not Verdict.ROLL_BACK:
            canary += 25
            found = {
                each.name: Comparison(
                    Counts(25, binomial(rng, 25, p_c if each.name == "errors" else p_s)),
                    Counts(475, binomial(rng, 475, p_s)),
                )
                for each in plan.metrics
            }
            state = engine.update(state, Batch(5, found), 0)
        spent.append(canary * nats)
    assert mean(spent) <= 1.5 * math.log(1 / (0.01 * 0.5)) + 25 * nats + 3 * stdev(spent) / math.sqrt(runs)


def test_a_canary_that_breaks_just_before_the_last_move_is_seldom_promoted() -> None:
    """Perfect for long, then worse for the last 100 s that the step lasts, and after."""
    plan = replace(PLAN, steps=(Step(25), Step(50, min_seconds=700.0)))
    rng, runs, promoted = Random(9), 40, 0
    for _ in range(runs):
        state = engine.start(plan, {engine.ERRORS: History(Counts(360_000, 3600), HOUR, 100)})
        for poll in range(1, 300):
            p_c = 0.01 if 5 * poll <= 600 else 0.02
            both = Comparison(Counts(250, binomial(rng, 250, p_c)), Counts(250, binomial(rng, 250, 0.01)))
            state = engine.update(state, Batch(5, {engine.ERRORS: both}), 1)
            verdict = engine.verdict(state, 1, Facts(5.0 * poll)).verdict
            if verdict is not Verdict.HOLD:
                promoted += verdict is Verdict.PROMOTE
                break
    assert promoted / runs <= at_most(0.05, runs)


@pytest.mark.parametrize("rate", [0.008, 0.05])
def test_a_bake_at_all_traffic_accuses_a_healthy_model_seldom(rate: float) -> None:
    """The bound is derived from stable's rate; it accuses nobody as long as the common rate stays where it was."""
    plan = replace(PLAN, bake_seconds=HOUR)
    rng, runs, crossed = Random(10), 60, 0
    for _ in range(runs):
        state = engine.start(plan, {engine.ERRORS: History(Counts(36_000, int(36_000 * rate)), HOUR, 10)})
        for poll in range(120):
            step = 3 if poll < 20 else plan.bake
            n_c, n_s = (25, 25) if step == 3 else (50, 0)
            both = Comparison(Counts(n_c, binomial(rng, n_c, rate)), Counts(n_s, binomial(rng, n_s, rate)))
            state = engine.update(state, Batch(5, {engine.ERRORS: both}, {engine.ERRORS: both}), step)
        crossed += engine.verdict(state, plan.bake, Facts(500)).verdict is Verdict.ROLL_BACK
    assert crossed / runs <= at_most(0.01, runs)
