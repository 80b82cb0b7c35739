"""The expected time to promote, against simulation; what cannot be decided in time."""

from __future__ import annotations

import math
from dataclasses import replace
from random import Random
from statistics import mean, stdev

import pytest

from perennial.rollout import Plan, Step, Verdict, engine, errors, metric
from perennial.rollout.engine import Batch, History, State
from perennial.rollout.evalue import Counts
from perennial.rollout.forecast import gain
from perennial.rollout.steps import first_step

from .binomial import binomial
from .feeding import begin, both, feed
from .simulation import fixed, play


def started(plan: Plan, rps: float, rate: float, phi: float = 1.0) -> State:
    n = int(3600 * rps)
    history = History(Counts(n, int(n * rate)), 3600, rps, phi)
    return engine.start(plan, {each.name: history for each in plan.metrics})


@pytest.mark.parametrize(
    ("rps", "rate", "tolerance", "runs"),
    [
        (100, 0.01, None, 30),
        (100, 0.01, 0.01, 30),
        (300, 0.01, 0.005, 10),
        (10, 0.01, None, 8),
        (100, 0.0, 0.01, 5),
        (20, 0.05, 0.02, 20),
        (100, 0.2, 0.01, 10),
        (20, 0.0, None, 3),
    ],
)
def test_within_a_factor_of_two_of_simulation(rps: int, rate: float, tolerance: float | None, runs: int) -> None:
    plan, rng = Plan(metrics=errors(tolerance)), Random(7)
    expected = engine.expected_seconds(started(plan, rps, rate), first_step(plan, rps))
    played = [play(rng, plan, rps, fixed(rate, rate), cap=20_000) for _ in range(runs)]
    seconds = mean(each.seconds for each in played if each.verdict is Verdict.PROMOTE)
    assert expected is not None
    assert seconds / 2 <= expected <= seconds * 2


@pytest.mark.parametrize("step", [0, 3])
@pytest.mark.parametrize("rate", [0.01, 0.3])
def test_the_gain_of_a_poll_is_that_of_random_polls(step: int, rate: float) -> None:
    state, rng, n = started(Plan(metrics=errors(0.02)), 100, rate), Random(11), 500
    share = state.plan.share(step)
    n_c = int(n * share)
    won = []
    for _ in range(1500):
        counts = both(n_c, binomial(rng, n_c, rate), n - n_c, binomial(rng, n - n_c, rate))
        won.append(engine.update(state, Batch(5, {"errors": counts}), step).metrics[0].advance[step])
    mean_gain, deviation = gain(state.metrics[0], step, share, n)
    assert mean_gain == pytest.approx(mean(won), abs=4 * stdev(won) / math.sqrt(len(won)) + 0.05 * mean_gain)
    # Of few and large steps the winnings are skewed: their deviation is known to a factor.
    assert stdev(won) / 2 <= deviation <= 2 * stdev(won)


def remaining(state: State, step: int, step_seconds: float = 0.0) -> float:
    expected = engine.expected_seconds(state, step, step_seconds)
    assert expected is not None
    return expected


def test_it_shrinks_on_the_way_and_ends_at_the_promotion() -> None:
    state = begin(Plan(metrics=errors(0.01)))
    at_start = remaining(state, 0)
    later = feed(state, 0, {"errors": (125, 1, 125, 1)}, 6)
    assert remaining(later, 0, 35) < at_start
    assert remaining(later, 3, 35) < remaining(later, 0, 35)
    assert remaining(later, 4) == 0.0


def test_a_steps_own_time_bursts_and_more_metrics_make_it_longer() -> None:
    plan = Plan(metrics=errors(0.01))
    usual = remaining(started(plan, 100, 0.01), 0)
    assert remaining(started(plan, 100, 0.01, phi=4.0), 0) > 2 * usual
    patient = replace(plan, steps=(Step(5, min_seconds=3600), *plan.steps[1:]))
    assert 3600 <= remaining(started(patient, 100, 0.01), 0) <= 3600 + usual
    assert remaining(started(patient, 100, 0.01), 0, 3000) <= 600 + usual
    strict = replace(plan, metrics=(*plan.metrics, metric("latency", 0.002)))
    assert remaining(started(strict, 100, 0.01), 0) > 2 * usual


def test_the_traffic_counted_replaces_that_of_the_history() -> None:
    thinner = feed(begin(Plan(metrics=errors(0.01))), 0, {"errors": (1, 0, 9, 0)}, 12)
    assert remaining(thinner, 0) > 5 * remaining(begin(Plan(metrics=errors(0.01))), 0)


def test_unknown_is_none() -> None:
    assert engine.expected_seconds(engine.start(Plan(), {}), 0) is None
    assert engine.undecidable(engine.start(Plan(), {}), 0) is None
    silent = engine.start(Plan(), {"errors": History(Counts(100, 0), 3600, 0.0)})
    assert engine.expected_seconds(silent, 0) is None
    assert engine.undecidable(silent, 0) == "Nothing can be decided without requests: none were seen so far."


def test_what_cannot_be_decided_is_said_with_a_way_out() -> None:
    plan = Plan()
    assert engine.undecidable(started(plan, 100, 0.01), 0) is None
    thin = started(plan, 1, 0.001)
    said = engine.undecidable(thin, 2)
    assert said is not None
    assert said.startswith("At 1 requests/s a good canary is expected to need ")
    assert "and 4 h are left: allow at least " in said
    longer = replace(plan, time_cap_seconds=float(said.split("at least ")[1].split(" ")[0]))
    assert engine.undecidable(replace(thin, plan=longer), 2) is None
    tolerance = float(said.split("a tolerance of ")[1].split(" ")[0])
    assert engine.undecidable(started(Plan(metrics=errors(tolerance)), 1, 0.001), 2) is None


def test_steps_that_last_longer_than_the_cap() -> None:
    plan = Plan(metrics=errors(0.01), steps=(Step(10, min_seconds=8000), Step(50, min_seconds=8000)))
    said = engine.undecidable(started(plan, 100, 0.01), 0)
    assert said is not None
    assert "a tolerance" not in said
