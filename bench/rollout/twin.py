"""The decision engine for many rollouts at once: the shipped formulas on numpy arrays, one row per rollout.

A test holds it equal to `perennial.rollout.engine` to 1e-9 on random polls. One metric, errors.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perennial.rollout import advance, evalue, rollback, steering, steps
from perennial.rollout.plan import Plan

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

HOLD, ADVANCE, PROMOTE, ROLL_BACK = 0, 1, 2, 3
_ALTERNATIVES = np.array([2.0**doubling for doubling in rollback.DOUBLINGS])
_PRIOR = np.array(rollback.PRIOR)


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


@dataclass
class History:
    """Stable before the first batch, an entry per rollout: see `perennial.rollout.steering.History`."""

    n: Array
    bad: Array
    seconds: float
    rps: Array
    phi: Array


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
        worst, gain = np.minimum(-g_c * r, g_s * (1 - q)), g_c * (1 - r)
    else:
        worst, gain = np.minimum(g_c * (1 - r), -g_s * q), g_s * (1 - q)
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


class Twin:
    """The state of many rollouts of one plan: `update` with a batch for some of them, then `verdict` of those."""

    def __init__(self, plan: Plan, history: History, slack: float = steps.RAMP_SLACK) -> None:
        rows = len(history.n)
        self.plan, self.slack = plan, slack
        scale = min(1.0, steering.HISTORY_POLLS / (history.seconds / plan.poll_seconds)) if history.seconds else 1.0
        self.x, self.n = 0.5 + scale * history.bad, 1 + scale * history.n
        self.phi = np.maximum(history.phi, 1.0)
        self.delta, self.margins = _margins(plan, self.theta, history.rps)
        self.first_step = np.array([steps.first_step(plan, rate) for rate in history.rps])
        self.seconds, self.peak = np.zeros(rows), np.zeros(rows)
        self.logs = np.tile(np.log((1 - rollback.LATE) * _PRIOR), (rows, 1))
        self.log_reserve = np.full(rows, math.log(rollback.LATE))
        self.advance = np.zeros((rows, len(plan.steps)))

    @property
    def theta(self) -> Array:
        """Stable's guessed rate."""
        return np.clip(self.x / self.n, evalue.THETA_MIN, evalue.THETA_MAX)

    def update(self, rows: Mask, counts: Counts) -> None:
        """Add one poll's counts to `rows`; `counts` has an entry for each of them."""
        theta, phi, delta = self.theta[rows], self.phi[rows], self.delta[rows]
        column = Counts(counts.n_c[:, None], counts.x_c[:, None], counts.n_s[:, None], counts.x_s[:, None])
        self._rollback(rows, column, theta[:, None], phi[:, None], delta[:, None])
        self._advance(rows, column, theta[:, None], phi[:, None])
        self._steer(rows, counts, theta, phi)
        self.seconds[rows] += self.plan.poll_seconds
        evidence = np.logaddexp.reduce(np.column_stack((self.logs[rows], self.log_reserve[rows])), axis=1)
        self.peak[rows] = np.maximum(self.peak[rows], evidence)

    def _rollback(self, rows: Mask, counts: Counts, theta: Array, phi: Array, delta: Array) -> None:
        a = self.slack * delta
        theta_c = np.minimum(a + theta + delta * _ALTERNATIVES, evalue.THETA_MAX)
        gain = tempered(log_evidence(a, True, counts, theta_c, theta, phi), phi)
        before, after = (_staked(self.seconds[rows] + more) for more in (0.0, self.plan.poll_seconds))
        with np.errstate(divide="ignore"):
            fresh = np.log(_PRIOR * (rollback.LATE * (after - before))[:, None])
            self.log_reserve[rows] = np.log(rollback.LATE * (1 - after))
        self.logs[rows] = np.logaddexp(self.logs[rows], fresh) + gain

    def _advance(self, rows: Mask, counts: Counts, theta: Array, phi: Array) -> None:
        log_e = log_evidence(self.margins[rows], False, counts, theta, theta, phi)
        self.advance[rows] = np.minimum(self.advance[rows] + tempered(log_e, phi), advance.cap(self.plan.miss))

    def _steer(self, rows: Mask, counts: Counts, theta: Array, phi: Array) -> None:
        x, n = self.x[rows], self.n[rows]
        variance = counts.n_s * theta * (1 - theta) + counts.n_s**2 * theta / n
        surprised = np.abs(counts.x_s - counts.n_s * theta) > 4 * np.sqrt(phi * variance) + 2 * phi
        x, n = np.where(surprised, theta / 2, x), np.where(surprised, 0.5, n)
        self.x[rows] = np.maximum(steering.FORGET * x + counts.x_s, steering.MIN_X)
        self.n[rows] = steering.FORGET * n + counts.n_s

    def verdict(self, rows: Mask, step: NDArray[np.int64], step_seconds: Array) -> NDArray[np.int64]:
        """A verdict for each of `rows`, which are at `step` for `step_seconds`."""
        plan = self.plan
        evidence = np.take_along_axis(self.advance[rows], step[:, None], axis=1)[:, 0]
        least = np.array([plan.minimum_seconds(index) for index in range(len(plan.steps))])[step]
        moves = (evidence >= math.log(1 / plan.miss)) & (step_seconds >= least)
        moves &= self.seconds[rows] < plan.time_cap_seconds
        found = np.where(moves, np.where(step == len(plan.steps) - 1, PROMOTE, ADVANCE), HOLD)
        return np.where(self.peak[rows] >= math.log(1 / plan.false_rollback), ROLL_BACK, found)


def _staked(seconds: Array) -> Array:
    return np.log1p(np.minimum(seconds, rollback.DAY) / 60) / math.log1p(rollback.DAY / 60)


def _margins(plan: Plan, theta: Array, rps: Array) -> tuple[Array, Array]:
    deltas = [steps.tolerance(plan.metrics[0], float(rate)) for rate in theta]
    margins = [
        steps.margins(plan, delta, float(rate), float(traffic))
        for delta, rate, traffic in zip(deltas, theta, rps, strict=True)
    ]
    return np.array(deltas), np.array(margins)
