"""How long a good canary will take, for the traffic seen. An approximation for people; no decision hangs on it.

A canary that is as good as stable wins, in a poll with n_c and n_s requests, on average
`mu = (n_c·KL(theta‖q + delta_k) + n_s·KL(theta‖q))/phi` nats of evidence for move k, with a variance near 2·mu; what is
kept back at each poll changes that to `log(0.05 + 0.95·e^mu)` and a second-order term. By Wald's identity a bound that
is `b` nats away is reached after (b + overshoot)/gain polls on average, with an overshoot of 0.583 standard deviations
(Siegmund, Sequential Analysis, 1985, ch. X). The steps are walked through in order: what a move's evidence won at
lighter steps it keeps.
"""

from __future__ import annotations

import math
from dataclasses import replace

from perennial.rollout import advance
from perennial.rollout.evalue import STAKE, Line, Null, nearest_null, tempered
from perennial.rollout.numeric import bernoulli_kl
from perennial.rollout.state import MetricState, State
from perennial.rollout.steps import margins

OVERSHOOT = 0.583
SETTLED_SECONDS = 60.0
"""After so much counted time the traffic is what was counted; before, what it was in stable's history."""
LARGER = (2, 4, 8, 16)


def traffic(state: State) -> float:
    """Requests per second to both versions."""
    if state.seconds < SETTLED_SECONDS:
        return state.rps
    return max(metric.totals.canary.n + metric.totals.stable.n for metric in state.metrics) / state.seconds


def gain(metric: MetricState, move: int, share: float, requests: float) -> tuple[float, float]:
    """Mean and standard deviation, in nats per poll of `requests`, of what a good canary wins for `move`."""
    theta, delta = metric.steering.theta, metric.margins[move]
    n_c, n_s = share * requests, (1 - share) * requests
    q = nearest_null(Line(delta, Null.AT_LEAST), n_c, n_s, theta, theta) if requests > 0 else None
    if q is None or not 0 < q < q + delta < 1:
        return 0.0, 0.0
    mu = (n_c * bernoulli_kl(theta, q + delta) + n_s * bernoulli_kl(theta, q)) / metric.bursts.compared(share)
    kept = 1 - STAKE
    curvature = kept * STAKE * math.exp(-mu) / (kept * math.exp(-mu) + STAKE) ** 2
    return tempered(mu) + curvature * mu, math.sqrt(2 * mu)


def expected_seconds(state: State, step: int, step_seconds: float = 0.0) -> float | None:
    """Seconds until a good canary at `step`, for `step_seconds` there already, is promoted; 0 in the bake.

    None while nothing can be said: without traffic, or before stable was seen.
    """
    requests = traffic(state) * state.plan.poll_seconds
    if requests <= 0 or any(metric.steering.blind for metric in state.metrics):
        return 0.0 if step >= state.plan.bake else None
    evidence = {metric.name: list(metric.advance) for metric in state.metrics}
    total = 0.0
    for at in range(step, state.plan.bake):
        spent = step_seconds if at == step else 0.0
        seconds = _at_step(state, evidence, at, requests, spent)
        if seconds is None:
            return None
        total += seconds
    return total


def _at_step(state: State, evidence: dict[str, list[float]], step: int, requests: float, spent: float) -> float | None:
    """How much longer `step` lasts; adds to `evidence` what is won meanwhile."""
    plan, share = state.plan, state.plan.share(step)
    polls = 0.0
    gains = {
        metric.name: [gain(metric, move, share, requests) for move in range(step, plan.bake)]
        for metric in state.metrics
    }
    for metric in state.metrics:
        mean, deviation = gains[metric.name][0]
        missing = math.log(1 / plan.miss) - evidence[metric.name][step]
        if missing > 0 and mean <= 0:
            return None
        if missing > 0:
            polls = max(polls, math.ceil((missing + OVERSHOOT * deviation) / mean))
    # The interval in which the weight was changed is not counted.
    dropped = plan.poll_seconds if spent < plan.poll_seconds else 0.0
    seconds = max(dropped + polls * plan.poll_seconds, plan.minimum_seconds(step) - spent)
    for metric in state.metrics:
        won = evidence[metric.name]
        for move, (mean, _) in enumerate(gains[metric.name], step):
            more = mean * (seconds - dropped) / plan.poll_seconds
            won[move] = min(won[move] + more, advance.cap(plan.miss))
    return seconds


def undecidable(state: State, step: int, step_seconds: float = 0.0) -> str | None:
    """A sentence if a good canary is not expected to be promoted within the time cap; None if it is, or unknown."""
    left = state.plan.time_cap_seconds - state.seconds
    expected = expected_seconds(state, step, step_seconds)
    if any(metric.steering.blind for metric in state.metrics):
        return None
    if expected is None:
        return "Nothing can be decided without requests: none were seen so far."
    if expected <= left:
        return None
    return (
        f"At {traffic(state):.3g} requests/s a good canary is expected to need {_hours(expected)}, and {_hours(left)} "
        f"are left: {_remedy(state, step, step_seconds, left)}."
    )


def _remedy(state: State, step: int, step_seconds: float, left: float) -> str:
    more_time = f"allow at least {state.plan.time_cap_seconds - left + 1.5 * _or_zero(state, step, step_seconds):.0f} s"
    for factor in LARGER:
        easier = _easier(state, factor)
        if _or_zero(easier, step, step_seconds) <= left:
            asked = ", ".join(f"{each.delta:.3g} for {each.name}" for each in easier.metrics)
            return f"{more_time}, or a tolerance of {asked}"
    return more_time


def _or_zero(state: State, step: int, step_seconds: float) -> float:
    return expected_seconds(state, step, step_seconds) or 0.0


def _easier(state: State, factor: int) -> State:
    """With tolerances so many times as large, from the start."""
    easier = []
    for metric in state.metrics:
        delta = min(factor * metric.delta, 0.5)
        moves = margins(state.plan, delta, metric.steering.theta, traffic(state))
        easier.append(replace(metric, delta=delta, margins=moves, advance=(0.0,) * len(moves)))
    return replace(state, metrics=tuple(easier))


def _hours(seconds: float) -> str:
    return f"{seconds / 3600:.2g} h" if seconds >= 3600 else f"{seconds / 60:.2g} min"
