"""Several metrics and absolute bounds in one rollout."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import product

import pytest

from perennial.rollout import HoldReason, Metric, Plan, Verdict, engine, errors, metric
from perennial.rollout.engine import Batch, Facts, History
from perennial.rollout.evalue import Comparison, Counts
from perennial.rollout.steps import HELD_SLACK, RAMP_SLACK, slack

from .feeding import USUAL, begin, both, feed
from .test_evalue_exact import pmf

THREE = Plan(metrics=(metric("errors", 0.01), metric("latency", 0.01), metric("wrong", 0.01)))
GOOD = (125, 1, 125, 1)


def test_the_metrics_share_the_capital_and_a_bound_has_half_of_its_metrics() -> None:
    state = begin(replace(THREE, metrics=(metric("errors", maximum=0.05), metric("latency"), metric("wrong"))))
    assert [each.weight for each in state.metrics] == pytest.approx([0.5, 0.3, 0.2])
    assert [math.exp(each.log_rollback) for each in state.metrics] == pytest.approx([0.5, 0.3, 0.2])
    assert math.exp(state.metrics[0].log_compared) == pytest.approx(0.25)
    assert math.exp(state.metrics[0].log_bounded) == pytest.approx(0.25)
    assert state.metrics[1].log_bounded == -math.inf
    assert state.log_rollback == pytest.approx(0.0, abs=1e-12)
    assert [each.weight for each in begin(Plan(metrics=(metric("latency"), metric("wrong")))).metrics] == [0.6, 0.4]


def test_a_promotion_needs_every_metric() -> None:
    counts = {"errors": GOOD, "latency": GOOD}
    state = feed(begin(THREE), 0, counts, 60)
    decision = engine.verdict(state, 0, Facts(100))
    assert decision.reason is HoldReason.INSUFFICIENT_EVIDENCE
    assert "(wrong: bad requests: canary 0 of 0" in decision.sentence
    assert engine.verdict(feed(state, 0, {"wrong": GOOD}, 60), 0, Facts(100)).verdict is Verdict.ADVANCE


@pytest.mark.parametrize("bad", ["errors", "latency", "wrong"])
def test_each_metric_alone_rolls_back_and_is_named(bad: str) -> None:
    counts = dict.fromkeys(("errors", "latency", "wrong"), GOOD)
    state = feed(begin(THREE), 0, counts | {bad: (125, 60, 125, 1)}, 3)
    decision = engine.verdict(state, 0, Facts(15))
    assert decision.verdict is Verdict.ROLL_BACK
    assert f"worse than stable in {bad}: 180 of 375" in decision.sentence


def test_a_bound_counts_what_it_is_for() -> None:
    """4xx of both versions alike, which `errors` compares, do not break a bound on 5xx; 5xx of both versions do."""
    plan = Plan(metrics=errors(0.01, maximum=0.02))
    clients = feed(begin(plan), 0, {"errors": (125, 30, 125, 30)}, 5, {"errors": (125, 0, 125, 0)})
    assert engine.verdict(clients, 0, Facts(5)).verdict is Verdict.HOLD
    servers = feed(begin(plan), 0, {"errors": (125, 30, 125, 30)}, 5)
    decision = engine.verdict(servers, 0, Facts(5))
    assert decision.verdict is Verdict.ROLL_BACK
    assert "above its bound of 2 % in errors: 150 of 625 (24 %)" in decision.sentence


def test_a_bound_without_counts_keeps_its_evidence() -> None:
    state = begin(Plan(metrics=errors(0.01, maximum=0.02)))
    after = feed(state, 0, {"errors": (125, 30, 125, 30)}, 5, {})
    assert after.metrics[0].ceiling == state.metrics[0].ceiling


def test_slack_by_metric_and_phase() -> None:
    assert (slack("errors", False), slack("errors", True), slack("latency", False)) == (0.2, 0.5, 0.5)
    assert (RAMP_SLACK, HELD_SLACK) == (0.2, 0.5)
    plan = replace(THREE, holdback=2, bake_seconds=600)
    # Worse by 0.49 points with a tolerance of one: between a fifth and a half.
    worse = (10_000, 149, 10_000, 100)
    ramp = feed(begin(plan), 0, {"errors": worse}, 40)
    assert ramp.metrics[0].log_rollback > 0
    assert feed(begin(plan), 0, {"latency": worse}, 40).metrics[1].log_rollback < math.log(0.3)
    assert feed(begin(plan), plan.bake, {"errors": worse}, 40).metrics[0].log_rollback < math.log(0.5)
    by_hand = begin(plan)
    for _ in range(40):
        by_hand = engine.update(by_hand, Batch(5, {"errors": both(*worse)}, by_hand=True), 1)
    assert by_hand.metrics[0].log_rollback < math.log(0.5)


def test_by_hand_all_moves_wait_and_on_the_way_only_those_to_come() -> None:
    state = feed(begin(THREE), 2, {"errors": GOOD}, 10)
    assert state.metrics[0].advance[:2] == (0.0, 0.0)
    assert min(state.metrics[0].advance[2:]) > 0
    by_hand = engine.update(begin(THREE), Batch(5, {"errors": both(*GOOD)}, by_hand=True), 2)
    assert all(by_hand.metrics[0].advance)


def outcomes(n_c: int, n_s: int) -> list[tuple[int, int]]:
    return list(product(range(n_c + 1), range(n_s + 1)))


@pytest.mark.parametrize("step", [0, 2, 4])
@pytest.mark.parametrize("p_s", [0.02, 0.3])
def test_dependent_metrics_and_bounds_by_enumeration(step: int, p_s: float) -> None:
    """Every outcome of two batches, all metrics counting the very same requests: the expectation stays at most 1.

    Bursts are known of (phi = 2), the canary is worse by just what is slack at that time, and on its bound.
    """
    history = History(Counts(1000, int(1000 * p_s)), 3600, 50, 2.0)
    for name, worse in (("errors", 0.5 if step == 4 else 0.2), ("latency", 0.5)):
        p_c = p_s + worse * 0.1
        asked = (metric(name, 0.1, maximum=p_c), metric("other", 0.1 * worse / 0.2))
        plan = Plan(metrics=asked, holdback=2, bake_seconds=60)
        if step == 4:
            plan = replace(plan, metrics=(asked[0], metric("other", 0.1)))
        began = engine.start(plan, {each.name: history for each in asked})
        assert mean_evidence(began, step, p_c, p_s) <= 1 + 1e-12
        assert mean_evidence(began, step, min(p_c + 0.3, 1.0), p_s) > 1.001


def mean_evidence(began: engine.State, step: int, p_c: float, p_s: float) -> float:
    n_c, n_s, total = 2, 3, []
    for first in outcomes(n_c, n_s):
        after = both_metrics(began, step, n_c, n_s, first)
        chance = pmf(n_c, first[0], p_c) * pmf(n_s, first[1], p_s)
        for second in outcomes(n_c, n_s):
            likely = chance * pmf(n_c, second[0], p_c) * pmf(n_s, second[1], p_s)
            total.append(likely * math.exp(both_metrics(after, step, n_c, n_s, second).log_rollback))
    return math.fsum(total)


def both_metrics(state: engine.State, step: int, n_c: int, n_s: int, bad: tuple[int, int]) -> engine.State:
    same = Comparison(Counts(n_c, bad[0]), Counts(n_s, bad[1]))
    counts = {each.name: same for each in state.metrics}
    return engine.update(state, Batch(5, counts, counts), step)


def test_what_no_metric_can_be() -> None:
    for wrong in ({"share": 0.0}, {"tolerance": 0.0}, {"tolerance": 1.0}, {"maximum": 0.0}, {"maximum": 1.5}):
        with pytest.raises(ValueError, match="must"):
            Metric(**({"name": "errors", "share": 0.5} | wrong))  # type: ignore[arg-type]


def test_without_history_the_first_batch_is_the_history_and_no_evidence() -> None:
    plan = Plan(metrics=(metric("errors", maximum=0.2), metric("latency")))
    state = engine.start(plan, {"latency": USUAL})
    learnt = feed(state, 0, {"errors": (25, 25, 2000, 20)})
    errors_now = learnt.metrics[0]
    assert learnt.log_rollback == pytest.approx(0.0, abs=1e-12)
    assert errors_now.steering.theta == pytest.approx(0.01, rel=0.05)
    assert errors_now.delta == pytest.approx(0.005)
    assert errors_now.weight == state.metrics[0].weight
    assert not errors_now.known
    decision = engine.verdict(feed(learnt, 0, {"errors": (25, 25, 475, 5)}, 2), 0, Facts(10))
    assert decision.verdict is Verdict.ROLL_BACK
    assert "the guarantee is weaker" in decision.sentence


def test_a_batch_without_stable_teaches_nothing() -> None:
    state = engine.start(Plan(), {})
    assert feed(state, 0, {"errors": (25, 25, 0, 0)}).metrics == state.metrics
    assert state.rps == 0.0
    assert feed(state, 0, {"errors": (25, 25, 475, 5)}).rps == 100.0
