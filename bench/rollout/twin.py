"""The decision engine for many rollouts at once: the shipped formulas on numpy arrays, one row per rollout.

A test holds it equal to `perennial.rollout.engine` to 1e-9 on random polls: several metrics, absolute bounds, the
burstiness of each step, the bake. The evidence of one batch is in `evalue`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from bench.rollout.evalue import Array, Counts, Mask, log_evidence, log_evidence_bound, tempered
from perennial.rollout import absolute, advance, evalue, rollback, steering, steps
from perennial.rollout.bursts import Pods
from perennial.rollout.plan import Metric, Plan

HOLD, ADVANCE, PROMOTE, ROLL_BACK = 0, 1, 2, 3
_ALTERNATIVES = np.array([2.0**doubling for doubling in rollback.DOUBLINGS])
_PRIOR = np.array(rollback.PRIOR)

Steps = NDArray[np.int64]


@dataclass
class History:
    """Stable before the first batch, an entry per rollout: see `perennial.rollout.steering.History`.

    `pod_phi` is the burstiness of single pods at stable's usual load; all rollouts have the same numbers of `pods`.
    """

    n: Array
    bad: Array
    seconds: float
    rps: Array
    phi: Array
    pod_phi: Array = field(default_factory=lambda: np.ones(1))
    pods: Pods = field(default_factory=Pods)


class Mixture:
    """`perennial.rollout.rollback.Mixture`: wealth of each alternative, and what is not staked yet."""

    def __init__(self, rows: int) -> None:
        self.logs = np.tile(np.log((1 - rollback.LATE) * _PRIOR), (rows, 1))
        self.log_reserve = np.full(rows, math.log(rollback.LATE))

    def update(self, rows: Mask, gains: Array, start: Array, end: Array) -> None:
        """L_j <- (L_j + 0.3·prior_j·(F(end) − F(start)))·exp(gain_j)."""
        before, after = _staked(start), _staked(end)
        with np.errstate(divide="ignore"):
            fresh = np.log(_PRIOR * (rollback.LATE * (after - before))[:, None])
            self.log_reserve[rows] = np.log(rollback.LATE * (1 - after))
        self.logs[rows] = np.logaddexp(self.logs[rows], fresh) + gains

    def log_evidence(self, rows: Mask) -> Array:
        """log E of some rollouts."""
        found: Array = np.logaddexp.reduce(np.column_stack((self.logs[rows], self.log_reserve[rows])), axis=1)
        return found


class _Ramp:
    """What depends on the step, for the steps of some rollouts."""

    def __init__(self, plan: Plan, slack: float, at: Steps) -> None:
        indices = range(plan.bake + 1)
        self.at, self.baking = at, at == plan.bake
        self.share = np.array([plan.share(index) for index in indices])[at]
        self._slack = slack

    def slack(self, name: str) -> Array:
        """m/delta."""
        return np.where(self.baking, steps.slack(name, True, self._slack), steps.slack(name, False, self._slack))


class Part:
    """One metric of many rollouts."""

    def __init__(self, plan: Plan, metric: Metric, history: History) -> None:
        rows = len(history.n)
        self.plan, self.metric, self.history = plan, metric, history
        self.weight = metric.share / sum(each.share for each in plan.metrics)
        scale = min(1.0, steering.HISTORY_POLLS / (history.seconds / plan.poll_seconds)) if history.seconds else 1.0
        self.x, self.n = 0.5 + scale * history.bad, 1 + scale * history.n
        self.delta, self.margins = _margins(plan, metric, self.theta, history.rps)
        self.mixture = Mixture(rows)
        self.ceiling = Mixture(rows) if metric.maximum is not None else None
        self.advance = np.zeros((rows, len(plan.steps)))

    @property
    def theta(self) -> Array:
        """Stable's guessed rate."""
        return np.clip(self.x / self.n, evalue.THETA_MIN, evalue.THETA_MAX)

    def update(self, rows: Mask, counts: Counts, ramp: _Ramp, start: Array, end: Array) -> None:
        """Add one poll's counts to `rows`."""
        if self.ceiling is not None:
            self._bounded(self.ceiling, rows, counts, ramp, start, end)
        theta, delta, phi = self.theta[rows], self.delta[rows], self._phi(rows, ramp, alone=False)
        column = Counts(counts.n_c[:, None], counts.x_c[:, None], counts.n_s[:, None], counts.x_s[:, None])
        a = (ramp.slack(self.metric.name) * delta)[:, None]
        theta_c = np.minimum(a + theta[:, None] + delta[:, None] * _ALTERNATIVES, evalue.THETA_MAX)
        log_e = log_evidence(a, True, column, theta_c, theta[:, None], phi[:, None])
        self.mixture.update(rows, tempered(log_e, phi[:, None]), start, end)
        self._advance(rows, column, theta[:, None], phi[:, None], ramp)
        self._steer(rows, counts, theta, phi)

    def _phi(self, rows: Mask, ramp: _Ramp, *, alone: bool) -> Array:
        """`perennial.rollout.bursts.Bursts`."""
        past, load = self.history, np.array([self.history.pods.load(share) for share in ramp.share])
        if not alone:
            load = (1 - ramp.share) * (load + ramp.share)
        pod = np.broadcast_to(past.pod_phi, past.phi.shape)[rows]
        found: Array = np.maximum(np.maximum(past.phi[rows], 1 + (pod - 1) * load), 1.0)
        return found

    def _bounded(self, ceiling: Mixture, rows: Mask, counts: Counts, ramp: _Ramp, start: Array, end: Array) -> None:
        bound, phi = self.metric.maximum or 0.0, self._phi(rows, ramp, alone=True)[:, None]
        unit = np.maximum(self.delta[rows], absolute.UNIT * bound)[:, None]
        theta_c = np.minimum(bound + unit * _ALTERNATIVES, evalue.THETA_MAX)
        log_e = log_evidence_bound(bound, counts.n_c[:, None], counts.x_c[:, None], theta_c, phi)
        ceiling.update(rows, tempered(log_e, phi), start, end)

    def _advance(self, rows: Mask, counts: Counts, theta: Array, phi: Array, ramp: _Ramp) -> None:
        log_e = log_evidence(self.margins[rows], False, counts, theta, theta, phi)
        after = np.minimum(self.advance[rows] + tempered(log_e, phi), advance.cap(self.plan.miss))
        # A move that was made needs no more evidence.
        waiting = np.arange(len(self.plan.steps))[None, :] >= ramp.at[:, None]
        self.advance[rows] = np.where(waiting, after, self.advance[rows])

    def _steer(self, rows: Mask, counts: Counts, theta: Array, phi: Array) -> None:
        x, n = self.x[rows], self.n[rows]
        variance = counts.n_s * theta * (1 - theta) + counts.n_s**2 * theta / n
        surprised = np.abs(counts.x_s - counts.n_s * theta) > 4 * np.sqrt(phi * variance) + 2 * phi
        x, n = np.where(surprised, theta / 2, x), np.where(surprised, 0.5, n)
        self.x[rows] = np.maximum(steering.FORGET * x + counts.x_s, steering.MIN_X)
        self.n[rows] = steering.FORGET * n + counts.n_s

    def log_rollback(self, rows: Mask) -> Array:
        """log(v_m·E_m)."""
        if self.ceiling is None:
            return math.log(self.weight) + self.mixture.log_evidence(rows)
        half = math.log(self.weight / 2)
        both: Array = np.logaddexp(self.mixture.log_evidence(rows), self.ceiling.log_evidence(rows))
        return half + both


class Twin:
    """The state of many rollouts of one plan: `update` with a batch for some of them, then `verdict` of those.

    Raises ValueError for a plan whose bake has no old version to compare with.
    """

    def __init__(self, plan: Plan, histories: Mapping[str, History], slack: float = steps.RAMP_SLACK) -> None:
        if plan.bounded_in_bake:
            raise ValueError("bounds derived at the begin of a bake are not simulated")
        self.plan, self.slack = plan, slack
        self.parts = [Part(plan, metric, histories[metric.name]) for metric in plan.metrics]
        rps = np.max([history.rps for history in histories.values()], axis=0)
        self.first_step = np.array([steps.first_step(plan, rate) for rate in rps])
        self.seconds, self.peak = np.zeros(len(rps)), np.zeros(len(rps))

    def update(self, rows: Mask, metrics: Sequence[Counts], step: Steps) -> None:
        """Add one poll to `rows`: the counts of each metric of the plan and the step, an entry for each of the rows."""
        start = self.seconds[rows]
        end = start + self.plan.poll_seconds
        ramp = _Ramp(self.plan, self.slack, step)
        for part, counts in zip(self.parts, metrics, strict=True):
            part.update(rows, counts, ramp, start, end)
        self.seconds[rows] = end
        evidence = np.logaddexp.reduce([part.log_rollback(rows) for part in self.parts], axis=0)
        self.peak[rows] = np.maximum(self.peak[rows], evidence)

    def verdict(self, rows: Mask, step: Steps, step_seconds: Array) -> NDArray[np.int64]:
        """A verdict for each of `rows`, which are at `step` for `step_seconds`."""
        plan, last = self.plan, len(self.plan.steps) - 1
        at = np.minimum(step, last)
        ready = [np.take_along_axis(part.advance[rows], at[:, None], axis=1)[:, 0] for part in self.parts]
        least = np.array([plan.minimum_seconds(index) for index in range(len(plan.steps))])[at]
        moves = (np.min(ready, axis=0) >= math.log(1 / plan.miss)) & (step_seconds >= least) & (step <= last)
        moves &= self.seconds[rows] < plan.time_cap_seconds
        found = np.where(moves, np.where(step == last, PROMOTE, ADVANCE), HOLD)
        return np.where(self.peak[rows] >= math.log(1 / plan.false_rollback), ROLL_BACK, found)


def _staked(seconds: Array) -> Array:
    return np.log1p(np.minimum(seconds, rollback.DAY) / 60) / math.log1p(rollback.DAY / 60)


def _margins(plan: Plan, metric: Metric, theta: Array, rps: Array) -> tuple[Array, Array]:
    deltas = [steps.tolerance(metric, float(rate)) for rate in theta]
    margins = [
        steps.margins(plan, delta, float(rate), float(traffic))
        for delta, rate, traffic in zip(deltas, theta, rps, strict=True)
    ]
    return np.array(deltas), np.array(margins)
