"""Rollouts of several metrics, fed with the same counts again and again."""

from __future__ import annotations

from collections.abc import Mapping

from perennial.rollout import Plan, engine
from perennial.rollout.engine import Batch, History, State
from perennial.rollout.evalue import Comparison, Counts

USUAL = History(Counts(180_000, 1800), 3600, 50)
"""Stable at 1 % of 50 requests per second, for an hour."""
Four = tuple[int, int, int, int]


def both(n_c: int, x_c: int, n_s: int, x_s: int) -> Comparison:
    """Requests and bad ones of the canary, then of stable."""
    return Comparison(Counts(n_c, x_c), Counts(n_s, x_s))


def begin(plan: Plan, history: History = USUAL) -> State:
    """Every metric with the same history."""
    return engine.start(plan, {metric.name: history for metric in plan.metrics})


def feed(
    state: State, step: int, counts: Mapping[str, Four], times: int = 1, absolute: Mapping[str, Four] | None = None
) -> State:
    """The state after `times` polls with these counts; absolute bounds get `absolute`, else the same."""
    metrics = {name: both(*four) for name, four in counts.items()}
    bounded = metrics if absolute is None else {name: both(*four) for name, four in absolute.items()}
    for _ in range(times):
        state = engine.update(state, Batch(5, metrics, bounded), step)
    return state
