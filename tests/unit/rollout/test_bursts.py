"""phi: exact on small examples, 1 where nothing shows."""

import pytest

from perennial.rollout.bursts import Spread, phi, spread
from perennial.rollout.evalue import Counts


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


def test_single_pods_count_by_what_a_canary_pod_feels() -> None:
    pod = [Counts(100, 30 if at % 40 == 0 else 1) for at in range(200)]
    still = [Counts(1000, 10)] * 200
    alone = spread(pod).phi
    assert alone > 5
    assert phi(still, [pod, pod], 10.0) == pytest.approx(1 + (alone - 1) * 10)
    assert phi(still, [pod, pod], 0.5) == pytest.approx(1 + (alone - 1) * 0.5)
