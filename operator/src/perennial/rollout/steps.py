"""The margins of the moves, and where thin traffic starts."""

from __future__ import annotations

import math

from perennial.rollout.numeric import bernoulli_kl
from perennial.rollout.plan import LATENCY, Metric, Plan

BISECTIONS = 50
KAPPA = 1.0
THIN_RATE = 0.5
"""Requests per second to a canary at the first step below which evidence would take hours."""
THIN_WEIGHT = 25
TOLERANCE_MIN, TOLERANCE_MAX = 0.0005, 0.005
RAMP_SLACK, HELD_SLACK = 0.2, 0.5
"""m/delta: a difference of m is never a reason to roll back. The longer a weight lasts, the surer a small one shows."""


def tolerance(metric: Metric, p_s: float) -> float:
    """delta: the user's, or stable's rate kept within [0.0005, 0.005]."""
    return metric.tolerance if metric.tolerance is not None else min(max(p_s, TOLERANCE_MIN), TOLERANCE_MAX)


def slack(name: str, held: bool, ramp: float = RAMP_SLACK) -> float:
    """m/delta for a metric: `ramp` on the way, 1/2 where one weight is `held` (by hand or while baking).

    For latency always 1/2: a new version is seldom exactly as fast. Each batch is judged with the null of its time,
    known before it: what is promised is promised to a canary that keeps to `p_c <= p_s + m` with the m of each time.
    """
    return HELD_SLACK if held or name == LATENCY else ramp


def detectable(p_s: float, information: float) -> float:
    """The d with KL(p_s + d‖p_s) = `information` (nats per request); 0.9·(1 − p_s) if there is none."""
    if -math.log(p_s) <= information:
        return 0.9 * (1 - p_s)
    low, high = 0.0, 1 - p_s
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        if bernoulli_kl(p_s + middle, p_s) > information:
            high = middle
        else:
            low = middle
    return (low + high) / 2


def margins(plan: Plan, delta: float, p_s: float, rps: float) -> tuple[float, ...]:
    """delta_k of every move: min(delta/w', d), d what one poll at w' could not hide from rollback.

    `p_s` in (0, 1) is stable's rate and `rps` the rate of all requests, both at the first batch. A canary whose harm,
    weighted by its share w', is above delta makes the move with probability at most beta.
    """
    needed = KAPPA * math.log(1 / plan.false_rollback)
    per_move = []
    for share in plan.move_shares:
        requests = rps * share * plan.poll_seconds
        d = detectable(p_s, needed / requests if requests > 0 else math.inf)
        per_move.append(min(delta / share, d))
    return tuple(per_move)


def first_step(plan: Plan, rps: float) -> int:
    """The step to start with: 0, or with thin traffic the first one of at least 25 percent (else the last)."""
    if 0.05 * rps > THIN_RATE:
        return 0
    heavy = [index for index, weight in enumerate(plan.weights) if weight >= THIN_WEIGHT]
    return heavy[0] if heavy else len(plan.steps) - 1
