"""The evidence of a batch, `perennial.rollout.evalue`, on numpy arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perennial.rollout import evalue

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass
class Counts:
    """Requests and bad ones of both versions in one interval; arrays of one entry per rollout."""

    n_c: Array
    x_c: Array
    n_s: Array
    x_s: Array

    def of(self, rows: Mask) -> Counts:
        """Those of some rollouts."""
        return Counts(self.n_c[rows], self.x_c[rows], self.n_s[rows], self.x_s[rows])


def log_evidence(a: Array, at_most: bool, counts: Counts, theta_c: Array, theta_s: Array, phi: Array) -> Array:
    """`perennial.rollout.evalue.log_evidence` with b = 1; all arguments broadcast together."""
    theta_c, theta_s = (np.clip(theta, evalue.THETA_MIN, evalue.THETA_MAX) for theta in (theta_c, theta_s))
    n_c, n_s = counts.n_c, counts.n_s
    low = np.maximum(np.maximum(np.minimum(theta_s, theta_c - a), 0.0), -a)
    high = np.minimum(np.minimum(np.maximum(theta_s, theta_c - a), 1.0), 1 - a)
    possible = (low < high) & (n_c > 0) & (n_s > 0)
    q = _nearest_null(a, n_c, n_s, theta_c, theta_s, low, high)
    r = a + q
    possible &= (q > 0) & (q < 1) & (r > 0) & (r < 1)
    q, r = np.where(possible, q, 0.5), np.where(possible, r, 0.5)
    g_c = (theta_c - r) / (r * (1 - r))
    possible &= g_c > 0 if at_most else g_c < 0
    g_c = np.where(possible, g_c, 0.0)
    g_s = -g_c * n_c / np.where(n_s > 0, n_s, 1.0)
    scale = _shrink(g_c, g_s, q, r, at_most, phi)
    g_c, g_s = scale * g_c, scale * g_s
    return (
        counts.x_c * np.log1p(g_c * (1 - r))
        + (n_c - counts.x_c) * np.log1p(-g_c * r)
        + counts.x_s * np.log1p(g_s * (1 - q))
        + (n_s - counts.x_s) * np.log1p(-g_s * q)
    )


def _nearest_null(a: Array, n_c: Array, n_s: Array, theta_c: Array, theta_s: Array, low: Array, high: Array) -> Array:
    low, high = np.broadcast_arrays(low, high)
    low, high = low.copy(), high.copy()
    for _ in range(evalue.BISECTIONS):
        q = (low + high) / 2
        r = a + q
        above = n_s * (q - theta_s) * r * (1 - r) + n_c * (r - theta_c) * q * (1 - q) > 0
        np.copyto(high, q, where=above)
        np.copyto(low, q, where=~above)
    total = n_s + n_c
    pooled = (n_s * theta_s + n_c * theta_c) / np.where(total > 0, total, 1.0)
    return np.where(a == 0, pooled, (low + high) / 2)


def _shrink(g_c: Array, g_s: Array, q: Array, r: Array, at_most: bool, phi: Array) -> Array:
    if at_most:
        return _shrunk(np.minimum(-g_c * r, g_s * (1 - q)), g_c * (1 - r), phi)
    return _shrunk(np.minimum(g_c * (1 - r), -g_s * q), g_s * (1 - q), phi)


def _shrunk(worst: Array, gain: Array, phi: Array) -> Array:
    """The common factor of both bets: see `perennial.rollout.evalue`."""
    limit = evalue.MIN_FACTOR - 1
    scale = np.where(worst < limit, limit / np.where(worst < limit, worst, -1.0), 1.0)
    capped = (phi > evalue.BURSTY) & (gain > evalue.BURST_FACTOR - 1)
    return np.where(capped, np.minimum(scale, (evalue.BURST_FACTOR - 1) / np.where(capped, gain, 1.0)), scale)


def tempered(log_e: Array, phi: Array) -> Array:
    """`perennial.rollout.evalue.tempered`."""
    exponent = log_e / phi
    rising = np.maximum(exponent, 0.0)
    up = rising + np.log(evalue.STAKE + (1 - evalue.STAKE) * np.exp(-rising))
    down = np.log1p(evalue.STAKE * np.expm1(np.minimum(exponent, 0.0)))
    return np.where(exponent > 0, up, down)


def log_evidence_bound(bound: float, n: Array, bad: Array, theta_c: Array, phi: Array) -> Array:
    """`perennial.rollout.evalue.log_evidence_bound`: `n` requests of the canary with `bad` ones."""
    theta_c = np.clip(theta_c, evalue.THETA_MIN, evalue.THETA_MAX)
    g = np.where(theta_c > bound, (theta_c - bound) / (bound * (1 - bound)), 0.0)
    scale = _shrunk(-g * bound, g * (1 - bound), phi)
    g = scale * g
    found: Array = bad * np.log1p(g * (1 - bound)) + (n - bad) * np.log1p(-g * bound)
    return np.where(n > 0, found, 0.0)
