"""Small numerical helpers shared by the evidence: logarithms that neither overflow nor lose precision."""

from __future__ import annotations

import math


def log_add(a: float, b: float) -> float:
    """log(exp(a) + exp(b)), also when either is minus infinity."""
    high, low = (a, b) if a >= b else (b, a)
    if low == -math.inf:
        return high
    return high + math.log1p(math.exp(low - high))


def log_sum(values: tuple[float, ...]) -> float:
    """log of the sum of exp(values); minus infinity for none."""
    high = max(values, default=-math.inf)
    if high == -math.inf:
        return high
    return high + math.log(math.fsum(math.exp(value - high) for value in values))


def bernoulli_kl(p: float, q: float) -> float:
    """Kullback-Leibler divergence KL(p‖q) of two coins in nats, for p in [0, 1] and q in (0, 1)."""
    head = p * math.log(p / q) if p > 0 else 0.0
    tail = (1 - p) * math.log((1 - p) / (1 - q)) if p < 1 else 0.0
    return head + tail
