"""Verdicts, their reasons and sentences."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from perennial.rollout import HoldReason, Plan, Step, Verdict, engine, errors, metric
from perennial.rollout.decision import hold
from perennial.rollout.engine import Batch, Facts, History, State
from perennial.rollout.evalue import Comparison, Counts

PLAN = Plan(metrics=errors(0.01))
HISTORY = History(Counts(180_000, 1800), 3600, 50)


def begin(plan: Plan = PLAN) -> State:
    return engine.start(plan, {engine.ERRORS: HISTORY})


def feed(state: State, canary: tuple[int, int], stable: tuple[int, int], times: int = 1) -> State:
    both = Comparison(Counts(*canary), Counts(*stable))
    for _ in range(times):
        state = engine.update(state, Batch(5, {engine.ERRORS: both}), 0)
    return state


def test_evidence_begins_at_one() -> None:
    state = begin()
    assert state.log_rollback == pytest.approx(0.0, abs=1e-12)
    assert state.log_advance(0) == 0.0
    decision = engine.verdict(state, 0, Facts(0))
    assert (decision.verdict, decision.reason) == (Verdict.HOLD, HoldReason.INSUFFICIENT_EVIDENCE)


def test_a_canary_that_answers_400_to_everyone_is_rolled_back_in_one_poll() -> None:
    decision = engine.verdict(feed(begin(), (12, 12), (238, 2)), 0, Facts(1))
    assert decision.verdict is Verdict.ROLL_BACK
    assert decision.reason is None
    assert "12 of 12 (100 %) of its requests were bad, 2 of 238 (0.84 %) of stable's" in decision.sentence
    assert "with probability 0.01 at most" in decision.sentence


def test_rollback_wins_over_every_block() -> None:
    state = feed(begin(), (12, 12), (238, 2))
    blocked = Facts(1000, hold(HoldReason.METRICS_UNAVAILABLE, "away"))
    assert engine.verdict(state, 0, blocked).verdict is Verdict.ROLL_BACK


def test_a_good_canary_moves_after_the_minimum_time_and_is_promoted_from_the_last_step() -> None:
    state = feed(begin(), (125, 1), (125, 1), 60)
    early = engine.verdict(state, 0, Facts(19))
    assert early.reason is HoldReason.MINIMUM_TIME
    assert "at least 20 s" in early.sentence
    assert engine.verdict(state, 0, Facts(20)).verdict is Verdict.ADVANCE
    assert engine.verdict(state, 3, Facts(20)).verdict is Verdict.PROMOTE


def test_a_block_keeps_from_advancing() -> None:
    state = feed(begin(), (125, 1), (125, 1), 60)
    paused = hold(HoldReason.PAUSED, "paused by hand")
    assert engine.verdict(state, 0, Facts(100, paused)) == paused


def test_a_steps_own_minimum_time_counts() -> None:
    plan = replace(PLAN, steps=(Step(10, min_seconds=300), Step(50)))
    state = feed(begin(plan), (125, 1), (125, 1), 60)
    assert engine.verdict(state, 0, Facts(299)).reason is HoldReason.MINIMUM_TIME
    assert engine.verdict(state, 0, Facts(300)).verdict is Verdict.ADVANCE


def test_without_requests_nothing_is_learnt_and_the_traffic_is_the_reason() -> None:
    state = feed(begin(), (0, 0), (0, 0), 12)
    assert state.log_rollback == pytest.approx(0.0, abs=1e-12)
    assert state.log_advance(0) == 0.0
    assert engine.verdict(state, 0, Facts(60)).reason is HoldReason.NO_TRAFFIC
    assert engine.verdict(feed(state, (5, 0), (95, 1)), 0, Facts(60)).reason is HoldReason.INSUFFICIENT_EVIDENCE


def test_after_the_time_cap_it_holds() -> None:
    state = feed(begin(replace(PLAN, time_cap_seconds=300)), (125, 1), (125, 1), 60)
    decision = engine.verdict(state, 0, Facts(100))
    assert decision.reason is HoldReason.TIME_CAP_REACHED
    assert "0.0833 h" in decision.sentence


def test_a_bound_once_reached_stays_reached() -> None:
    """Also if nobody looked just then: a replay must come to the decision that was taken at the time."""
    state = feed(feed(begin(), (25, 8), (225, 2)), (250, 0), (250, 20), 20)
    assert state.log_rollback < math.log(100) < state.peak
    assert engine.verdict(state, 0, Facts(1000)).verdict is Verdict.ROLL_BACK


def test_a_metric_without_data_keeps_its_evidence() -> None:
    state = feed(begin(), (25, 3), (225, 2))
    later = engine.update(state, Batch(5, {}), 0)
    assert later.metrics == state.metrics
    assert later.seconds == state.seconds + 5


def test_several_metrics_share_the_capital() -> None:
    plan = replace(PLAN, metrics=(metric("errors"), metric("latency")))
    state = engine.start(plan, {engine.ERRORS: HISTORY, "latency": HISTORY})
    assert [metric.weight for metric in state.metrics] == pytest.approx([0.625, 0.375])
    state = engine.update(state, Batch(5, {"latency": Comparison(Counts(50, 40), Counts(200, 2))}), 0)
    assert state.cause.name == "latency"
    assert engine.verdict(state, 0, Facts(5)).verdict is Verdict.ROLL_BACK
    assert state.log_advance(0) < 0.0


def test_burstiness_is_honoured() -> None:
    bursty = engine.start(PLAN, {engine.ERRORS: replace(HISTORY, phi=5.0)})
    assert feed(bursty, (12, 6), (238, 2)).log_rollback < feed(begin(), (12, 6), (238, 2)).log_rollback


def test_a_batch_across_a_change_of_weight_would_be_false_evidence() -> None:
    """5 % to 50 % while the common rate doubles: as one batch it accuses a canary that is no worse."""
    start = engine.start(PLAN, {engine.ERRORS: History(Counts(180_000, 9000), 3600, 400)})
    apart = feed(feed(start, (100, 5), (1900, 95)), (1000, 100), (1000, 100))
    together = feed(start, (1100, 105), (2900, 195))
    assert apart.log_rollback < 0
    assert together.log_rollback > math.log(2)
