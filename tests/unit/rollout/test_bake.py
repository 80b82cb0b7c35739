"""After the promotion: with a control, and without one."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from perennial.rollout import HoldReason, Plan, Verdict, absolute, engine, errors, metric
from perennial.rollout.decision import hold
from perennial.rollout.engine import Batch, Facts, State
from perennial.rollout.evalue import Counts

from .feeding import begin, both, feed

HELD_BACK = Plan(metrics=errors(0.01), holdback=2, bake_seconds=600)
ALONE = replace(HELD_BACK, holdback=0)
BAKE = HELD_BACK.bake
GOOD = (250, 2, 250, 2)


def promoted(plan: Plan) -> State:
    return feed(begin(plan), 3, {each.name: GOOD for each in plan.metrics}, 20)


@pytest.mark.parametrize(
    ("holdback", "seconds", "weight"), [(2, 600, 98), (0, 600, 100), (2, 0, 100), (60, 600, 50), (50, 600, 50)]
)
def test_the_weight_of_the_promotion(holdback: int, seconds: float, weight: int) -> None:
    plan = Plan(holdback=holdback, bake_seconds=seconds)
    assert plan.final_weight == weight
    assert plan.share(plan.bake) == weight / 100
    assert plan.compared_in_bake == (weight < 100)
    assert plan.bounded_in_bake == (weight == 100 and seconds > 0)


def test_with_a_hold_back_the_comparison_goes_on() -> None:
    state = promoted(HELD_BACK)
    good = feed(state, BAKE, {"errors": (490, 5, 10, 0)}, 60)
    decision = engine.verdict(good, BAKE, Facts(300))
    assert (decision.verdict, decision.reason) == (Verdict.HOLD, HoldReason.BAKING)
    assert "2 % of the requests stay on the old version" in decision.sentence
    worse = engine.verdict(feed(state, BAKE, {"errors": (490, 245, 10, 0)}, 12), BAKE, Facts(60))
    assert worse.verdict is Verdict.ROLL_BACK
    assert "worse than stable in errors" in worse.sentence


def test_a_common_outage_in_the_bake_accuses_nobody() -> None:
    state = feed(promoted(HELD_BACK), BAKE, {"errors": (490, 245, 10, 5)}, 60)
    assert engine.verdict(state, BAKE, Facts(300)).reason is HoldReason.BAKING


def test_neither_time_cap_nor_evidence_to_go_on_play_a_part() -> None:
    state = promoted(replace(HELD_BACK, time_cap_seconds=10))
    assert state.log_advance(BAKE) == 0.0
    assert engine.verdict(state, BAKE, Facts(0)).reason is HoldReason.BAKING
    away = hold(HoldReason.METRICS_UNAVAILABLE, "away")
    assert engine.verdict(state, BAKE, Facts(0, away)) == away


def test_alone_the_comparison_stands_still_and_a_bound_is_derived() -> None:
    state = promoted(ALONE)
    before = state.metrics[0]
    assert before.ceiling is not None
    assert before.ceiling.bound is None
    assert before.log_bounded == pytest.approx(math.log(0.5))
    good = feed(state, BAKE, {"errors": (500, 5, 0, 0)}, 60)
    after = good.metrics[0]
    assert (after.mixture, after.advance, after.totals) == (before.mixture, before.advance, before.totals)
    assert after.ceiling is not None
    # 5 points of slack and 10 of tolerance, in thousandths, above what stable's 40 of 5,000 may have been.
    assert after.ceiling.bound == pytest.approx(absolute.upper(Counts(5000, 40), 1.0) + 0.005 + 0.01)
    decision = engine.verdict(good, BAKE, Facts(300))
    assert decision.reason is HoldReason.BAKING
    assert "absolute bounds: errors 2.8" in decision.sentence
    assert "(derived)" in decision.sentence
    assert good.idle_seconds == 0.0
    worse = engine.verdict(feed(good, BAKE, {"errors": (500, 50, 0, 0)}, 12), BAKE, Facts(360))
    assert worse.verdict is Verdict.ROLL_BACK
    assert "above its bound of 2.8" in worse.sentence


def test_a_users_bound_goes_on_from_the_ramp() -> None:
    plan = replace(ALONE, metrics=errors(0.01, maximum=0.03))
    state = promoted(plan)
    good = feed(state, BAKE, {"errors": (500, 5, 0, 0)}, 10)
    assert good.metrics[0].ceiling is not None
    assert good.metrics[0].ceiling.bound == 0.03
    assert "errors 3 %; " in engine.verdict(good, BAKE, Facts(50)).sentence
    worse = feed(good, BAKE, {"errors": (500, 40, 0, 0)}, 20)
    assert engine.verdict(worse, BAKE, Facts(150)).verdict is Verdict.ROLL_BACK


def test_what_the_ramp_showed_still_counts() -> None:
    """Evidence of the ramp is a summand of the whole rollout's."""
    plan = replace(ALONE, metrics=(metric("errors", 0.01), metric("latency", 0.01)))
    doubtful = feed(begin(plan), 3, {"errors": (250, 9, 250, 3), "latency": GOOD}, 4)
    assert doubtful.log_rollback > math.log(2)
    still = feed(doubtful, BAKE, {"errors": (500, 6, 0, 0)}, 10)
    assert still.metrics[0].log_compared == doubtful.metrics[0].log_compared


def test_before_any_count_of_the_bake_it_says_so() -> None:
    assert "no old version is left to compare errors with" in engine.verdict(promoted(ALONE), BAKE, Facts(0)).sentence


def test_without_a_bake_no_capital_is_set_aside() -> None:
    assert begin(Plan()).metrics[0].ceiling is None
    assert begin(HELD_BACK).metrics[0].ceiling is None


def test_a_step_that_the_plan_does_not_have() -> None:
    with pytest.raises(IndexError):
        engine.update(begin(Plan()), Batch(5, {"errors": both(*GOOD)}), 5)
