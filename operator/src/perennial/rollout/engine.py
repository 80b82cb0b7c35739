"""The decision engine: start, update with a batch of counts, verdict.

With the plan's alpha and beta: a canary that is in every batch and metric at most `b·p_s + m` (and within its absolute
bounds) is rolled back by evidence with probability at most alpha, ever; one worse by the last move's margin in every
batch, in any metric, is promoted with probability at most beta (Ville's inequality; arXiv 2106.02693 for the evidence
of a batch). Prefer `verdict` to looking at totals: totals over steps of different weight mislead (Simpson's paradox).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from perennial.rollout import absolute, advance, rollback, sentences, steering, steps
from perennial.rollout.decision import Decision, HoldReason, Verdict, hold
from perennial.rollout.evalue import NO_REQUESTS, Comparison, Line, Null
from perennial.rollout.forecast import expected_seconds, undecidable
from perennial.rollout.plan import Metric, Plan
from perennial.rollout.state import ENGINE_VERSION, ERRORS, Batch, Facts, MetricState, State
from perennial.rollout.steering import NO_HISTORY, History

__all__ = [
    "ENGINE_VERSION",
    "ERRORS",
    "Batch",
    "Facts",
    "History",
    "State",
    "expected_seconds",
    "start",
    "undecidable",
    "update",
    "verdict",
]

IDLE_SECONDS = 60.0
"""Without requests for that long, the reason to wait is the traffic."""


def start(plan: Plan, histories: Mapping[str, History], *, slack: float = steps.RAMP_SLACK) -> State:
    """Evidence 1 for every metric of the plan; margins and burstiness are frozen here.

    `histories` are stable's before the first batch; of a metric that has none the first batch is its history and no
    evidence. `slack` is m/delta in the ramp: how much of the tolerance is no reason to roll back.
    """
    total = sum(metric.share for metric in plan.metrics)
    metrics = tuple(
        _begin(plan, metric, metric.share / total, histories.get(metric.name, NO_HISTORY)) for metric in plan.metrics
    )
    rps = max((history.rps for history in histories.values()), default=0.0)
    return State(plan, rps, 0.0, 0.0, metrics, slack)


def _begin(plan: Plan, metric: Metric, weight: float, history: History) -> MetricState:
    guess = steering.begin(history, plan.poll_seconds)
    delta = steps.tolerance(metric, guess.theta)
    margins = steps.margins(plan, delta, guess.theta, history.rps)
    bounded = metric.maximum is not None or plan.bounded_in_bake
    return MetricState(
        name=metric.name,
        weight=weight,
        delta=delta,
        bursts=history.bursts,
        known=history.known,
        margins=margins,
        steering=guess,
        mixture=rollback.begin(),
        advance=(0.0,) * len(margins),
        totals=Comparison(NO_REQUESTS, NO_REQUESTS),
        ceiling=absolute.begin(metric.maximum) if bounded else None,
    )


@dataclass(frozen=True)
class _Interval:
    """What all metrics of a batch have in common.

    `start` and `end` are counted seconds since the first batch; `waiting` is the first move that is not made yet.
    """

    plan: Plan
    step: int
    share: float
    start: float
    end: float
    held: bool
    waiting: int
    ramp_slack: float

    def margin(self, metric: MetricState) -> float:
        """m of this batch."""
        return steps.slack(metric.name, self.held, self.ramp_slack) * metric.delta


def update(state: State, batch: Batch, step: int) -> State:
    """The state after `batch`, whose weight was that of `step`. The bets use only what was known before it."""
    plan, end = state.plan, state.seconds + batch.seconds
    held = batch.by_hand or step == plan.bake
    # At a weight set by hand no move is made, so that all of them wait.
    waiting = 0 if batch.by_hand else step
    time = _Interval(plan, step, plan.share(step), state.seconds, end, held, waiting, state.slack)
    metrics = tuple(_update(metric, batch, time) for metric in state.metrics)
    idle = 0.0 if _busy(batch, time) else state.idle_seconds + batch.seconds
    rps = state.rps or max((_requests(both) for both in batch.metrics.values()), default=0) / batch.seconds
    after = replace(state, seconds=end, idle_seconds=idle, metrics=metrics, rps=rps)
    return replace(after, peak=max(state.peak, after.log_rollback))


def _requests(both: Comparison) -> int:
    return both.canary.n + both.stable.n


def _busy(batch: Batch, time: _Interval) -> bool:
    alone = time.share == 1.0
    counts = (*batch.metrics.values(), *batch.absolute.values())
    return any(both.canary.n > 0 and (alone or both.stable.n > 0) for both in counts)


def _update(metric: MetricState, batch: Batch, time: _Interval) -> MetricState:
    both, bounded = batch.metrics.get(metric.name), batch.absolute.get(metric.name)
    if metric.steering.blind:
        return metric if both is None else _learnt(metric, both, time)
    ceiling = metric.ceiling
    if ceiling is not None and bounded is not None:
        metric = replace(metric, ceiling=_bounded(metric, ceiling, bounded, time))
    if both is None or time.share == 1.0:
        return metric
    return _compared(metric, both, time)


def _learnt(metric: MetricState, batch: Comparison, time: _Interval) -> MetricState:
    """Without any history the first batch with requests of stable is the history, and no evidence."""
    seconds = time.end - time.start
    history = History(batch.stable, seconds, _requests(batch) / seconds, metric.bursts.whole, metric.bursts.pods)
    asked = next(each for each in time.plan.metrics if each.name == metric.name)
    begun = _begin(time.plan, asked, metric.weight, history)
    return replace(begun, totals=batch) if batch.stable.n > 0 else metric


def _bounded(metric: MetricState, ceiling: absolute.Ceiling, batch: Comparison, time: _Interval) -> absolute.Ceiling:
    if ceiling.bound is None and time.step == time.plan.bake:
        phi = metric.bursts.alone(1.0)
        ceiling = absolute.derived(ceiling, time.start, phi, time.margin(metric), metric.delta)
    phi = metric.bursts.alone(time.share)
    ceiling = absolute.update(ceiling, batch.canary, metric.delta, phi, time.start, time.end)
    return absolute.counted(ceiling, batch)


def _compared(metric: MetricState, batch: Comparison, time: _Interval) -> MetricState:
    theta_s, phi = metric.steering.theta, metric.bursts.compared(time.share)
    bets = rollback.Bets(Line(time.margin(metric), Null.AT_MOST), theta_s, metric.delta, phi)
    # A move that was made needs no more evidence.
    first, miss = time.waiting, time.plan.miss
    waiting = advance.update(metric.advance[first:], batch, metric.margins[first:], theta_s, phi, miss)
    return replace(
        metric,
        steering=steering.update(metric.steering, batch.stable, phi),
        mixture=rollback.update(metric.mixture, batch, bets, time.start, time.end),
        advance=metric.advance[:first] + waiting,
        totals=Comparison(metric.totals.canary + batch.canary, metric.totals.stable + batch.stable),
    )


def verdict(state: State, step: int, facts: Facts) -> Decision:
    """What should happen at `step` (index into the plan's steps, or `plan.bake`) after the last batch.

    A rollback wins over everything; a move needs its evidence now, its step's minimum time and nothing in the way.
    """
    plan = state.plan
    if state.peak >= math.log(1 / plan.false_rollback):
        return Decision(Verdict.ROLL_BACK, sentences.rolled_back(state))
    if facts.block is not None:
        return facts.block
    if step == plan.bake:
        return hold(HoldReason.BAKING, sentences.baking(state))
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
