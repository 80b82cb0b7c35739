"""The decision engine: start, update with a batch of counts, verdict.

With the plan's alpha and beta: a canary that is in every batch at most `b·p_s + m` is rolled back by evidence with
probability at most alpha, ever; one worse by the last move's margin in every batch is promoted with probability at most
beta (Ville's inequality; arXiv 2106.02693 for the evidence of a batch). Prefer `verdict` to looking at totals: totals
over steps of different weight mislead (Simpson's paradox).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

from perennial.rollout import advance, rollback, sentences, steering, steps
from perennial.rollout.decision import Decision, HoldReason, Verdict, hold
from perennial.rollout.evalue import NO_REQUESTS, Comparison, Line, Null
from perennial.rollout.plan import Plan
from perennial.rollout.state import ENGINE_VERSION, ERRORS, Batch, Facts, MetricState, State
from perennial.rollout.steering import History

__all__ = ["ENGINE_VERSION", "ERRORS", "Batch", "Facts", "History", "State", "start", "update", "verdict"]

SHARES = {ERRORS: 0.5, "latency": 0.3, "quality": 0.2}
"""Parts of the rollback evidence, renormalised over the metrics that a rollout has."""
IDLE_SECONDS = 60.0
"""Without requests for that long, the reason to wait is the traffic."""


def start(plan: Plan, histories: Mapping[str, History], *, slack: float = steps.RAMP_SLACK) -> State:
    """Evidence 1 for every metric of `histories` (stable before the first batch); margins are frozen here.

    `slack` is m/delta: how much of the tolerance is no reason to roll back (0: any difference is).
    """
    total = sum(SHARES[name] for name in histories)
    metrics = tuple(_metric(plan, name, SHARES[name] / total, history) for name, history in histories.items())
    rps = max((history.rps for history in histories.values()), default=0.0)
    return State(plan, rps, 0.0, 0.0, metrics, slack)


def _metric(plan: Plan, name: str, weight: float, history: History) -> MetricState:
    guess = steering.begin(history, plan.poll_seconds)
    delta = steps.tolerance(plan, guess.theta)
    margins = steps.margins(plan, delta, guess.theta, history.rps)
    nothing = Comparison(NO_REQUESTS, NO_REQUESTS)
    phi = max(history.phi, 1.0)
    return MetricState(name, weight, delta, phi, margins, guess, rollback.begin(), (0.0,) * len(margins), nothing)


def update(state: State, batch: Batch) -> State:
    """The state after `batch`. The bets use only what was known before it."""
    end = state.seconds + batch.seconds
    metrics = tuple(
        _update_metric(state, metric, batch.metrics[metric.name], end) if metric.name in batch.metrics else metric
        for metric in state.metrics
    )
    busy = any(both.canary.n > 0 and both.stable.n > 0 for both in batch.metrics.values())
    idle = 0.0 if busy else state.idle_seconds + batch.seconds
    after = replace(state, seconds=end, idle_seconds=idle, metrics=metrics)
    return replace(after, peak=max(state.peak, after.log_rollback))


def _update_metric(state: State, metric: MetricState, batch: Comparison, end: float) -> MetricState:
    theta_s, phi = metric.steering.theta, metric.phi
    line = Line(state.slack * metric.delta, Null.AT_MOST)
    bets = rollback.Bets(line, theta_s, metric.delta, phi)
    return replace(
        metric,
        steering=steering.update(metric.steering, batch.stable, phi),
        mixture=rollback.update(metric.mixture, batch, bets, state.seconds, end),
        advance=advance.update(metric.advance, batch, metric.margins, theta_s, phi, state.plan.miss),
        totals=Comparison(metric.totals.canary + batch.canary, metric.totals.stable + batch.stable),
    )


def verdict(state: State, step: int, facts: Facts) -> Decision:
    """What should happen at `step` (index into the plan's steps) after the last batch.

    A rollback wins over everything; a move needs its evidence now, its step's minimum time and nothing in the way.
    """
    plan = state.plan
    if state.peak >= math.log(1 / plan.false_rollback):
        return Decision(Verdict.ROLL_BACK, sentences.rolled_back(state))
    if facts.block is not None:
        return facts.block
    if state.seconds >= plan.time_cap_seconds:
        return hold(HoldReason.TIME_CAP_REACHED, sentences.time_cap(state, step))
    if state.log_advance(step) < math.log(1 / plan.miss):
        return _undecided(state, step)
    if facts.step_seconds < plan.minimum_seconds(step):
        return hold(HoldReason.MINIMUM_TIME, sentences.minimum_time(state, step, facts.step_seconds))
    last = step == len(plan.steps) - 1
    return Decision(Verdict.PROMOTE if last else Verdict.ADVANCE, sentences.moved(state, step))


def _undecided(state: State, step: int) -> Decision:
    never = all(metric.totals.canary.n == 0 for metric in state.metrics)
    if state.idle_seconds >= IDLE_SECONDS or (never and state.seconds > 0):
        return hold(HoldReason.NO_TRAFFIC, sentences.no_traffic(state))
    return hold(HoldReason.INSUFFICIENT_EVIDENCE, sentences.insufficient(state, step))
