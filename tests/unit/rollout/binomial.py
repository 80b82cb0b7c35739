"""Random counts for simulations, from the standard library."""

from __future__ import annotations

import math
from random import Random


def binomial(rng: Random, n: int, p: float) -> int:
    """Successes of `n` trials with probability `p`, by the gaps between them (fast for small p)."""
    if p <= 0 or n <= 0:
        return 0
    if p >= 1:
        return n
    if p > 0.5:
        return n - binomial(rng, n, 1 - p)
    successes, position, scale = 0, 0, math.log1p(-p)
    while True:
        position += int(math.log(1.0 - rng.random()) / scale) + 1
        if position > n:
            return successes
        successes += 1
