"""A rollout played with random requests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from perennial.rollout import Plan, Verdict, engine
from perennial.rollout.engine import Batch, Facts, History
from perennial.rollout.evalue import Comparison, Counts
from perennial.rollout.steps import first_step

from .binomial import binomial

HOUR = 3600.0
Rates = Callable[[float], tuple[float, float]]
"""True rates of bad requests (stable, canary) at a time in seconds."""


@dataclass(frozen=True)
class Outcome:
    """How it ended, after how many seconds, and how many requests the canary got."""

    verdict: Verdict
    seconds: float
    canary_requests: int


def fixed(stable: float, canary: float) -> Rates:
    """The same rates at all times."""
    return lambda _: (stable, canary)


def play(rng: Random, plan: Plan, rps: int, rates: Rates, *, slack: float = 0.2, cap: float = 4 * HOUR) -> Outcome:
    """One rollout with an hour of stable's history; the batch after each change of weight is left out."""
    requests = int(rps * HOUR)
    history = Counts(requests, binomial(rng, requests, rates(0)[0]))
    state = engine.start(plan, {engine.ERRORS: History(history, HOUR, rps)}, slack=slack)
    step, time, entered, canary = first_step(plan, rps), 0.0, 0.0, 0
    while time < cap:
        time += plan.poll_seconds
        batch = _batch(rng, int(rps * plan.poll_seconds), plan.weights[step] / 100, rates(time))
        canary += batch.canary.n
        if time - entered <= plan.poll_seconds:
            continue
        state = engine.update(state, Batch(plan.poll_seconds, {engine.ERRORS: batch}), step)
        verdict = engine.verdict(state, step, Facts(time - entered)).verdict
        if verdict in (Verdict.ROLL_BACK, Verdict.PROMOTE):
            return Outcome(verdict, time, canary)
        if verdict is Verdict.ADVANCE:
            step, entered = step + 1, time
    return Outcome(Verdict.HOLD, time, canary)


def _batch(rng: Random, n: int, share: float, rates: tuple[float, float]) -> Comparison:
    canary = binomial(rng, n, share)
    stable = n - canary
    return Comparison(Counts(canary, binomial(rng, canary, rates[1])), Counts(stable, binomial(rng, stable, rates[0])))
