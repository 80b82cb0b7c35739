"""The burstiness of many rollouts' histories, `perennial.rollout.bursts`, on numpy arrays."""

from __future__ import annotations

import numpy as np

from bench.rollout.evalue import Array
from perennial.rollout import bursts


def phi(n: Array, bad: Array) -> Array:
    """phi of each row of `n` and `bad`, of shape (rows, intervals)."""
    return _ratio(*_sums(n, bad))


def pod_phi(n: Array, bad: Array) -> Array:
    """The burstiness of single pods in each row; of shape (rows, pods, intervals)."""
    return _ratio(*(each.sum(axis=1) for each in _sums(n, bad)))


def _sums(n: Array, bad: Array) -> tuple[Array, Array, Array]:
    """squares, expected and intervals over the last axis; intervals without requests are passed over."""
    if not n.all():
        shape = n.shape[:-1]
        rows = [_sums(a[a > 0], b[a > 0]) for a, b in zip(_flat(n), _flat(bad), strict=True)]
        squares, expected, seen = (np.array(each, dtype=float).reshape(shape) for each in zip(*rows, strict=True))
        return squares, expected, seen
    before, after = slice(None, -1), slice(1, None)
    n_1, n_2, x_1, x_2 = n[..., before], n[..., after], bad[..., before], bad[..., after]
    pooled = (x_1 + x_2) / (n_1 + n_2)
    squares = ((x_2 / n_2 - x_1 / n_1) ** 2 * n_2 * n_1 / (n_2 + n_1)).sum(axis=-1)
    return squares, (pooled * (1 - pooled)).sum(axis=-1), np.full(n.shape[:-1], float(n.shape[-1]))


def _flat(values: Array) -> Array:
    return values.reshape(-1, values.shape[-1])


def _ratio(squares: Array, expected: Array, intervals: Array) -> Array:
    ratio = squares / np.where(expected > 0, expected, np.inf)
    limit = 1 + bursts.NOISE_SD * np.sqrt(bursts.NOISE_VARIANCE / np.maximum(intervals, 1))
    return np.where((expected > 0) & (ratio >= limit), ratio, 1.0)
