"""phi: exact on small examples, 1 where nothing shows."""

from random import Random
from statistics import pvariance

import pytest

from perennial.rollout.bursts import Bursts, Pods, Spread, phi, pod_phi, spread
from perennial.rollout.evalue import Counts

from .binomial import binomial


def test_two_intervals_by_hand() -> None:
    found = spread([Counts(100, 0), Counts(100, 10)])
    assert found.squares == pytest.approx(0.1**2 * 100 * 100 / 200)
    assert found.expected == pytest.approx(0.05 * 0.95)
    assert found.intervals == 2


def test_intervals_without_requests_are_passed_over() -> None:
    assert spread([Counts(100, 0), Counts(0, 0), Counts(100, 10)]) == spread([Counts(100, 0), Counts(100, 10)])


@pytest.mark.parametrize("intervals", [[], [Counts(10, 1)], [Counts(10, 0)] * 50, [Counts(100, 1)] * 50])
def test_nothing_to_see_is_one(intervals: list[Counts]) -> None:
    assert phi(intervals) == 1


def test_what_chance_explains_is_one() -> None:
    # Over 300 intervals chance alone gives up to 1 + 2·sqrt(3/300) = 1.2.
    assert Spread(1.19, 1.0, 300).phi == 1
    assert Spread(1.21, 1.0, 300).phi == pytest.approx(1.21)


def test_a_slow_drift_is_no_burst() -> None:
    assert phi([Counts(1000, at // 10) for at in range(500)]) == 1


def test_single_pods_are_seen_where_their_sum_is_still() -> None:
    pod = [Counts(100, 30 if at % 40 == 0 else 1) for at in range(200)]
    still = [Counts(1000, 10)] * 200
    assert phi(still) == 1
    assert pod_phi([pod, pod]) == pytest.approx(spread(pod).phi)
    assert pod_phi([pod, pod]) > 5


@pytest.mark.parametrize(
    ("pods", "share", "load", "compared"),
    [
        (Pods(5.0, 10), 0.05, 0.5, 1 + 4 * 0.95 * 0.55),
        (Pods(5.0, 10), 0.25, 2.5 / 3, 1 + 4 * 0.75 * (2.5 / 3 + 0.25)),
        (Pods(5.0, 10, canary=1), 0.5, 5.0, 1 + 4 * 0.5 * 5.5),
        (Pods(5.0, 10, canary=10), 0.5, 0.5, 1 + 4 * 0.5 * 1.0),
        (Pods(5.0, 1), 0.05, 0.05, 1 + 4 * 0.95 * 0.1),
    ],
)
def test_a_pods_burstiness_grows_with_its_load(pods: Pods, share: float, load: float, compared: float) -> None:
    bursts = Bursts(1.0, pods)
    assert pods.load(share) == pytest.approx(load)
    assert bursts.compared(share) == pytest.approx(compared)
    assert bursts.alone(share) == pytest.approx(1 + 4 * load)
    assert Bursts(9.0, Pods(1.2, 10)).compared(share) == Bursts(9.0).alone(share) == 9.0


@pytest.mark.parametrize(("share", "canary_pods"), [(0.05, 1), (0.5, 1), (0.5, 5)])
def test_the_variance_of_what_the_evidence_adds_up(share: float, canary_pods: int) -> None:
    """Pods with incidents of their own: canary's bad requests − stable's·n_c/n_s, over independent requests'."""
    rng, requests, rate, incident, pods = Random(3), 400, 0.02, 0.1, 8

    def bad(n: int) -> int:
        return binomial(rng, n, incident if rng.random() < rate / incident else 0.0)

    usual = [[Counts(requests // pods, bad(requests // pods)) for _ in range(6000)]]
    bursts = Bursts(1.0, Pods(pod_phi(usual), pods, canary_pods))
    n_c, n_s = int(requests * share), int(requests * (1 - share))
    drawn = [
        sum(bad(n_c // canary_pods) for _ in range(canary_pods))
        - sum(bad(n_s // pods) for _ in range(pods)) * n_c / n_s
        for _ in range(6000)
    ]
    independent = rate * (1 - rate) * n_c * (1 + n_c / n_s)
    assert bursts.compared(share) == pytest.approx(pvariance(drawn) / independent, rel=0.1)
