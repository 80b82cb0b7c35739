"""The least that any rule needs: requests of the canary until a difference can be told with the stated errors."""

from __future__ import annotations

import math

from perennial.rollout.numeric import bernoulli_kl

BISECTIONS = 80


def per_canary_request(p_c: float, p_s: float, weight: float) -> float:
    """D(w) in nats: min over q of KL(p_c‖q) + (1 − w)/w·KL(p_s‖q), with the canary's share `weight` in (0, 1)."""
    ratio = (1 - weight) / weight
    low, high = min(p_c, p_s), max(p_c, p_s)
    for _ in range(BISECTIONS):
        q = (low + high) / 2
        if (q - p_c) + ratio * (q - p_s) > 0:
            high = q
        else:
            low = q
    return bernoulli_kl(p_c, q) + ratio * bernoulli_kl(p_s, q)


def least_requests(p_c: float, p_s: float, weight: float, false_rollback: float) -> float:
    """Wald's bound on the mean number of canary requests until a rollback, with so many false ones at most."""
    return math.log(1 / false_rollback) / per_canary_request(p_c, p_s, weight)
