"""The simulated world has the rates and the bursts that it is asked for."""

import numpy as np
import pytest

from bench.rollout.world import STABLE_PODS, Scenario, World
from perennial.rollout import bursts
from perennial.rollout.evalue import Counts


def world(scenario: Scenario, rows: int = 200) -> World:
    return World(scenario, rows, np.random.default_rng(7))


@pytest.mark.parametrize(
    "scenario", [Scenario(0.02, 100.0), Scenario(0.02, 100.0, burst=5.0), Scenario(0.02, 100.0, pods=True)]
)
def test_both_versions_have_the_base_rate(scenario: Scenario) -> None:
    played = world(scenario)
    found = [played.interval(5.0 * at, np.full(200, 0.25)) for at in range(100)]
    n_c, n_s = (sum(getattr(each, name).sum() for each in found) for name in ("n_c", "n_s"))
    x_c, x_s = (sum(getattr(each, name).sum() for each in found) for name in ("x_c", "x_s"))
    assert n_c / (n_c + n_s) == pytest.approx(0.25, rel=0.01)
    assert x_c / n_c == pytest.approx(0.02, rel=0.1)
    assert x_s / n_s == pytest.approx(0.02, rel=0.1)


def test_harm_is_added_to_the_canary_when_it_breaks() -> None:
    played = world(Scenario(0.01, 100.0, harm=0.2, harm_after=60.0))
    weight = np.full(200, 0.5)
    before, after = (played.interval(time, weight) for time in (55.0, 60.0))
    assert before.x_c.sum() / before.n_c.sum() == pytest.approx(0.01, rel=0.2)
    assert after.x_c.sum() / after.n_c.sum() == pytest.approx(0.21, rel=0.05)
    assert after.x_s.sum() / after.n_s.sum() == pytest.approx(0.01, rel=0.2)


def test_a_late_failure_is_seen_late_and_its_request_too() -> None:
    played = world(Scenario(0.0, 100.0, harm=1.0, late=60.0))
    found = [played.interval(5.0 * at, np.full(200, 0.5)) for at in range(13)]
    assert all(each.n_c.sum() == 0 for each in found[:12])
    assert found[12].n_c.sum() == found[12].x_c.sum() > 0


@pytest.mark.parametrize("mean", [3.0, 10.0])
def test_bursts_of_a_geometric_size_have_their_phi(mean: float) -> None:
    n, bad = world(Scenario(0.02, 200.0, burst=mean), 40).stable_pods(720)
    rows = [
        bursts.spread([Counts(int(a), int(b)) for a, b in zip(n[row, 0], bad[row, 0], strict=True)])
        for row in range(40)
    ]
    together = sum(rows, bursts.Spread())
    # The mean square of a geometric size over its mean.
    assert together.phi == pytest.approx(2 * mean - 1, rel=0.05)


def test_independent_requests_have_none() -> None:
    n, bad = world(Scenario(0.02, 200.0), 200).stable_pods(720)
    found = [
        bursts.phi([Counts(int(a), int(b)) for a, b in zip(n[row, 0], bad[row, 0], strict=True)]) for row in range(200)
    ]
    assert sum(each == 1 for each in found) > 180


def test_incidents_show_in_single_pods() -> None:
    n, bad = world(Scenario(0.02, 200.0, pods=True), 1).stable_pods(720)
    pods = [[Counts(int(a), int(b)) for a, b in zip(n[0, pod], bad[0, pod], strict=True)] for pod in range(STABLE_PODS)]
    together = [sum(at[1:], at[0]) for at in zip(*pods, strict=True)]
    # Pods that fail independently are as bursty each as together; one canary pod with more load is more so.
    assert bursts.pod_phi(pods) == pytest.approx(bursts.phi(together), rel=0.2)
    assert bursts.Bursts(1.0, bursts.Pods(bursts.pod_phi(pods), STABLE_PODS, 1)).compared(0.5) > 2 * bursts.phi(
        together
    )
