"""Checkpoints: exact, small, and of no use to another rollout or engine."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perennial.rollout import Metric, Plan, Step, checkpoint, engine, errors, metric
from perennial.rollout.bursts import Pods
from perennial.rollout.checkpoint import Saved
from perennial.rollout.engine import Batch, State

from .feeding import USUAL, begin, both

PLAN = Plan(metrics=errors(0.01))
SEVERAL = (metric("errors", 0.01, maximum=0.05), metric("latency", 0.01), metric("wrong_answers"))
REVISION = "01234567-89ab-cdef-0123-456789abcdef/0123456789/2026-11-24T02:00:00Z"
BURSTY = replace(USUAL, phi=2.3, pods=Pods(4.56, 10, 3))

polls = st.lists(
    st.tuples(
        st.integers(0, 500), st.integers(0, 500), st.floats(0, 1), st.floats(0, 1), st.sets(st.sampled_from("elw"))
    ),
    min_size=1,
    max_size=20,
)


def after(state: State, poll: tuple[int, int, float, float, set[str]], step: int) -> State:
    n_c, n_s, rate_c, rate_s, present = poll
    counts = both(n_c, int(n_c * rate_c), n_s, int(n_s * rate_s))
    found = {each.name: counts for each in state.metrics if each.name[0] in present}
    return engine.update(state, Batch(5, found, found), step)


@settings(max_examples=40, deadline=None)
@given(polls, st.integers(0, 19), st.sampled_from([0, 2]))
def test_a_restart_at_any_poll_changes_nothing(
    batches: list[tuple[int, int, float, float, set[str]]], at: int, holdback: int
) -> None:
    """Through the steps and into the bake, with metrics that come and go."""
    plan = Plan(metrics=SEVERAL, holdback=holdback, bake_seconds=60)
    # Of `wrong_answers` there is no history.
    straight = engine.start(plan, {"errors": BURSTY, "latency": USUAL})
    restarted = straight
    for index, batch in enumerate(batches):
        step = min(index // 3, plan.bake)
        straight, restarted = after(straight, batch, step), after(restarted, batch, step)
        if index == at:
            text = checkpoint.encode(Saved(REVISION, step, 1234.5, restarted))
            saved = checkpoint.decode(text, REVISION, plan)
            assert saved is not None
            assert (saved.step, saved.at) == (step, 1234.5)
            restarted = saved.state
    assert restarted == straight


@pytest.mark.parametrize(
    ("metrics", "steps", "limit"),
    [(PLAN.metrics, 4, 800), (errors(0.01, maximum=0.05), 20, 1200), (SEVERAL[:1], 4, 800), (SEVERAL, 20, 3000)],
)
def test_it_is_small(metrics: tuple[Metric, ...], steps: int, limit: int) -> None:
    plan = Plan(metrics=metrics, steps=tuple(Step(1 + 4 * index) for index in range(steps)), bake_seconds=60)
    state = after(begin(plan, BURSTY), (400, 500, 0.037, 0.013, set("elw")), 0)
    assert len(checkpoint.encode(Saved(REVISION, 0, 1795474039.123456, state))) < limit


def test_a_metrics_state_is_small() -> None:
    """500 bytes at most with the default steps; it grows by two numbers with each further step."""
    state = begin(Plan(metrics=SEVERAL, bake_seconds=60))
    assert max(8 * len(checkpoint.numbers(each)) for each in state.metrics) < 500


@pytest.mark.parametrize("text", ["", "null", "[]", "{}", "nonsense", '{"engine":"2"}', '{"engine":2,"revision":[]}'])
def test_what_is_no_checkpoint_is_none(text: str) -> None:
    assert checkpoint.decode(text, "r1", PLAN) is None


@pytest.mark.parametrize("cut", [0, 8, 40])
@pytest.mark.parametrize("broken", ["", "*", "AAAA", "AAAAAAAAAAA"])
def test_what_was_changed_is_none(broken: str, cut: int) -> None:
    content = json.loads(checkpoint.encode(Saved("r1", 0, 5.0, begin(PLAN))))
    content["metrics"]["errors"] = content["metrics"]["errors"][:cut] + broken
    assert checkpoint.decode(json.dumps(content), "r1", PLAN) is None
    assert checkpoint.decode(json.dumps(content | {"metrics": {}}), "r1", PLAN) is None


def test_a_checkpoint_of_another_rollout_is_none() -> None:
    text = checkpoint.encode(Saved("r1", 0, 5.0, begin(PLAN)))
    assert checkpoint.decode(text, "r2", PLAN) is None
    for other in ({"metrics": errors(0.02)}, {"steps": (Step(5),)}, {"false_rollback": 0.02}, {"miss": 0.1}):
        assert checkpoint.decode(text, "r1", replace(PLAN, **other)) is None
    assert checkpoint.decode(text, "r1", replace(PLAN, bake_seconds=60)) is None
    for version in ("1", "3"):
        assert checkpoint.decode(json.dumps(json.loads(text) | {"engine": version}), "r1", PLAN) is None
    assert checkpoint.decode(text, "r1", PLAN) is not None


def test_other_times_keep_the_evidence() -> None:
    """More time for the same question is no other question."""
    state = after(begin(PLAN), (100, 400, 0.03, 0.01, {"e"}), 0)
    text = checkpoint.encode(Saved("r1", 0, 5.0, state))
    patient = replace(PLAN, time_cap_seconds=1e6, warm_up_seconds=0, request_timeout_seconds=60)
    patient = replace(patient, steps=tuple(replace(step, min_seconds=60) for step in PLAN.steps))
    saved = checkpoint.decode(text, "r1", patient)
    assert saved is not None
    assert saved.state == replace(state, plan=patient)


def test_what_others_add_is_left_alone() -> None:
    text = checkpoint.encode(Saved("r1", 0, 5.0, begin(PLAN)))
    assert checkpoint.decode(json.dumps(json.loads(text) | {"more": [1, 2]}), "r1", PLAN) is not None
