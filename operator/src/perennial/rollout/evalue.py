"""The primitive: evidence of one batch of requests against a line `p_c = a + b·p_s`.

The null is `p_c <= a + b·p_s` (the canary is not worse than the line) or `p_c >= a + b·p_s` (it is). For bets g_c on
the canary and g_s on stable, the evidence of n_c requests with x_c bad ones and n_s with x_s is

    e = (1 + g_c(1 − r))^x_c · (1 − g_c·r)^(n_c − x_c) · (1 + g_s(1 − q))^x_s · (1 − g_s·q)^(n_s − x_s),   r = a + b·q.

With the tie g_s = −b·g_c·n_c/n_s, `1 + x <= exp(x)` gives E[e] <= exp(n_c·g_c·(p_c − b·p_s − a)) <= 1 on the null for
any q. The q chosen here, the null point closest to the alternative in Kullback-Leibler divergence, makes e the best bet
against it: Turner, Ly & Grünwald, "Generic E-variables for exact sequential k-sample tests that allow for optional
stopping", JSPI 230 (2024), arXiv 2106.02693; optimal for a single pair as in Wald & Wolfowitz (1948).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

BISECTIONS = 20
"""For q to a millionth of the difference between the rates: what that costs is of second order, and power only."""
B = 1.0
"""The slope b of `p_c <= b·p_s + m`: stable's own rate is allowed to the canary, whatever it is."""
THETA_MIN, THETA_MAX = 1e-6, 0.98
MIN_FACTOR = 0.02
"""No single request multiplies the evidence by less than this."""
BURST_FACTOR = 4.0
"""Where bad requests come in bursts, no single one multiplies the evidence by more than this."""
BURSTY = 1.5
STAKE = 0.95
"""The share of its wealth that a process bets at each poll; the rest is kept, so that no poll ruins it."""


class Null(Enum):
    """Which side of the line the null hypothesis is."""

    AT_MOST = 1
    AT_LEAST = -1


@dataclass(frozen=True)
class Counts:
    """Requests of one version in one interval: `n` of them, `bad` of which were bad (0 <= bad <= n)."""

    n: int
    bad: int

    def __add__(self, other: Counts) -> Counts:
        """Both together."""
        return Counts(self.n + other.n, self.bad + other.bad)


NO_REQUESTS = Counts(0, 0)


@dataclass(frozen=True)
class Comparison:
    """The canary's and stable's counts of the same interval."""

    canary: Counts
    stable: Counts


@dataclass(frozen=True)
class Line:
    """The boundary p_c = a + b·p_s, and the side of it that is the null."""

    a: float
    null: Null
    b: float = B


def clamp_theta(theta: float) -> float:
    """Keep a guessed rate away from certainty."""
    return min(max(theta, THETA_MIN), THETA_MAX)


def nearest_null(line: Line, n_c: float, n_s: float, theta_c: float, theta_s: float) -> float | None:
    """The q that minimises n_s·KL(theta_s‖q) + n_c·KL(theta_c‖a + b·q), by bisection on the derivative.

    None if the line has no point between the two rates, so that nothing can be bet. The minimum lies between theta_s
    and the rate that puts theta_c on the line; any q is valid, so its accuracy costs power only.
    """
    a, b = line.a, line.b
    on_line = (theta_c - a) / b
    low = max(min(theta_s, on_line), 0.0, -a / b)
    high = min(max(theta_s, on_line), 1.0, (1 - a) / b)
    if low >= high:
        return None
    if a == 0 and b == 1:
        return (n_s * theta_s + n_c * theta_c) / (n_s + n_c)
    b_n_c = b * n_c
    for _ in range(BISECTIONS):
        q = (low + high) / 2
        r = a + b * q
        if n_s * (q - theta_s) * r * (1 - r) + b_n_c * (r - theta_c) * q * (1 - q) > 0:
            high = q
        else:
            low = q
    return (low + high) / 2


def _shrink(factors: tuple[float, float], bad_gain: float, phi: float) -> float:
    """The common factor of both bets: `factors` are the smallest u of (1 + u), `bad_gain` that of a bad request."""
    scale = 1.0
    for change in factors:
        if change < MIN_FACTOR - 1:
            scale = min(scale, (MIN_FACTOR - 1) / change)
    if phi > BURSTY and bad_gain > BURST_FACTOR - 1:
        scale = min(scale, (BURST_FACTOR - 1) / bad_gain)
    return scale


def _log_product(counts: Counts, bet: float, rate: float) -> float:
    """bad·log(1 + g(1 − rate)) + good·log(1 − g·rate)."""
    return counts.bad * math.log1p(bet * (1 - rate)) + (counts.n - counts.bad) * math.log1p(-bet * rate)


def log_evidence(line: Line, batch: Comparison, theta_c: float, theta_s: float, phi: float = 1.0) -> float:
    """Natural logarithm of the evidence of `batch` against the null of `line` (0 if nothing can be bet).

    `theta_c`, `theta_s` are the alternative, fixed before the batch was seen; `phi` >= 1 says how much bad requests
    come in bursts (here only for the cap on one bad request; see `tempered`). Expectation under the null: at most 1.
    """
    n_c, n_s = batch.canary.n, batch.stable.n
    if n_c == 0 or n_s == 0:
        return 0.0
    theta_c, theta_s = clamp_theta(theta_c), clamp_theta(theta_s)
    q = nearest_null(line, n_c, n_s, theta_c, theta_s)
    return 0.0 if q is None else log_evidence_at(line, batch, theta_c, q, phi)


def log_evidence_at(line: Line, batch: Comparison, theta_c: float, q: float, phi: float = 1.0) -> float:
    """The same with a given null point: stable at `q`, the canary at r = a + b·q; both strictly between 0 and 1."""
    r = line.a + line.b * q
    if not (0 < q < 1 and 0 < r < 1):
        return 0.0
    g_c = (theta_c - r) / (r * (1 - r))
    if g_c * line.null.value <= 0:
        return 0.0
    g_s = -line.b * g_c * batch.canary.n / batch.stable.n
    if line.null is Null.AT_MOST:
        worst, bad_gain = (-g_c * r, g_s * (1 - q)), g_c * (1 - r)
    else:
        worst, bad_gain = (g_c * (1 - r), -g_s * q), g_s * (1 - q)
    scale = _shrink(worst, bad_gain, phi)
    return _log_product(batch.canary, scale * g_c, r) + _log_product(batch.stable, scale * g_s, q)


def log_evidence_bound(bound: float, canary: Counts, theta_c: float, phi: float = 1.0) -> float:
    """Evidence against the absolute null `p_c <= bound`: stable plays no part (r = bound, g_s = 0)."""
    theta_c = clamp_theta(theta_c)
    if canary.n == 0 or theta_c <= bound or not 0 < bound < 1:
        return 0.0
    g_c = (theta_c - bound) / (bound * (1 - bound))
    return _log_product(canary, _shrink((-g_c * bound, 0.0), g_c * (1 - bound), phi) * g_c, bound)


def tempered(log_e: float, phi: float = 1.0) -> float:
    """log(0.05 + 0.95·e^(1/phi)): what a process' wealth is multiplied by, at worst 1/20 (3 nats) in one poll."""
    exponent = log_e / phi
    if exponent > 0:
        return exponent + math.log(STAKE + (1 - STAKE) * math.exp(-exponent))
    return math.log1p(STAKE * math.expm1(exponent))
