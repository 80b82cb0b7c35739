"""Burstiness on arrays is what the shipped code says of each row."""

import numpy as np
import pytest

from bench.rollout import bursts as arrays
from bench.rollout.evalue import Array
from perennial.rollout import bursts
from perennial.rollout.evalue import Counts


def counts(n: Array, bad: Array) -> list[Counts]:
    return [Counts(int(a), int(b)) for a, b in zip(n, bad, strict=True)]


@pytest.mark.parametrize("mean", [2.0, 50.0, 500.0])
def test_both_agree(mean: float) -> None:
    rng = np.random.default_rng(3)
    n = rng.poisson(mean, (6, 4, 200)).astype(float)
    # From hardly ever bad to bursts of everything.
    rate = np.array([0.0, 0.01, 0.3, 1.0, 0.02, 0.1])[:, None, None]
    burst = rng.random(n.shape) < np.array([0, 0, 0, 0, 0.1, 0.02])[:, None, None]
    bad = np.where(burst, n, rng.binomial(n.astype(int), rate)).astype(float)
    together = arrays.phi(n.sum(axis=1), bad.sum(axis=1))
    of_pods = arrays.pod_phi(n, bad)
    for row in range(6):
        expected = bursts.phi(counts(n[row].sum(axis=0), bad[row].sum(axis=0)))
        assert together[row] == pytest.approx(expected, rel=1e-9)
        pods = [counts(n[row, pod], bad[row, pod]) for pod in range(4)]
        assert of_pods[row] == pytest.approx(bursts.pod_phi(pods), rel=1e-9)
    assert of_pods.max() > 3
    assert min(together) == 1
