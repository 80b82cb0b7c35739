"""Counts from raw samples: resets, late classes, new series, doubled samples, unanswered requests."""

from __future__ import annotations

import math

import pytest

from perennial.rollout import counts
from perennial.rollout.counts import ACTIVE, CLASS, TOTAL, RawSeries, Scrapes
from perennial.rollout.evalue import Counts

Samples = list[tuple[float, float]]


def series(name: str, samples: Samples, code: str = "", isvc: str = "m-1", **labels: str) -> RawSeries:
    of_class = {counts.CLASS_LABEL: code} if code else {}
    return {"__name__": name, "isvc_namespace": "ns", "isvc": isvc, "pod": "envoy-a", **of_class, **labels}, samples


def total_of(found: list[counts.Increment], start: float = -math.inf, end: float = math.inf) -> Counts:
    return counts.between(found, start, end)


def grown(version: Scrapes, *others: Scrapes) -> list[counts.Increment]:
    return counts.increments(version, counts.scrape_times((version, *others)))


def test_increments_between_scrapes() -> None:
    version = counts.collect(
        [
            series(TOTAL, [(0, 100), (5, 120)]),
            series(CLASS, [(0, 90), (5, 108)], "2"),
            series(CLASS, [(0, 10), (5, 12)], "5"),
        ]
    )
    assert grown(version) == [counts.Increment(0, 5, Counts(20, 2))]


@pytest.mark.parametrize(
    ("code", "bad"), [("1", 0), ("2", 0), ("3", 0), ("4", 8), ("5", 8)], ids=["1xx", "2xx", "3xx", "4xx", "5xx"]
)
def test_a_class_that_appears_late_counts_from_zero(code: str, bad: int) -> None:
    version = counts.collect([series(TOTAL, [(0, 0), (5, 0), (10, 8)]), series(CLASS, [(10, 8)], code)])
    assert total_of(grown(version)) == Counts(8, bad)


def test_a_restart_counts_from_zero() -> None:
    version = counts.collect(
        [series(TOTAL, [(0, 100), (5, 9)]), series(CLASS, [(0, 5), (5, 7)], "2"), series(CLASS, [(0, 95), (5, 2)], "5")]
    )
    assert total_of(grown(version)) == Counts(9, 2)


def test_a_version_that_appears_on_a_scraped_process_counts_from_zero() -> None:
    stable = counts.collect([series(TOTAL, [(0, 50), (5, 60)]), series(CLASS, [(0, 50), (5, 60)], "2")])
    canary = counts.collect([series(TOTAL, [(5, 4)], isvc="m-2"), series(CLASS, [(5, 4)], "4", isvc="m-2")])
    assert grown(canary, stable) == [counts.Increment(0, 5, Counts(4, 4))]


def test_a_process_seen_for_the_first_time_only_sets_the_baseline() -> None:
    version = counts.collect(
        [
            *(series(TOTAL, [(0, 10), (5, 20)]), series(CLASS, [(0, 10), (5, 20)], "2")),
            *(series(TOTAL, [(5, 999)], pod="envoy-b"), series(CLASS, [(5, 999)], "2", pod="envoy-b")),
        ]
    )
    assert total_of(grown(version)) == Counts(10, 0)


def test_several_processes_are_summed() -> None:
    version = counts.collect(
        [
            *(series(TOTAL, [(0, 10), (5, 20)]), series(CLASS, [(0, 10), (5, 20)], "2")),
            *(series(TOTAL, [(1, 5), (6, 9)], pod="envoy-b"), series(CLASS, [(1, 5), (6, 9)], "5", pod="envoy-b")),
        ]
    )
    assert total_of(grown(version)) == Counts(14, 4)


def test_doubled_samples_and_replicas_of_prometheus_count_once() -> None:
    samples = [(0.0, 10.0), (5.0, 20.0), (5.0, 20.0)]
    version = counts.collect(
        [
            series(kind, samples, code, prometheus_replica=replica)
            for kind, code in ((TOTAL, ""), (CLASS, "2"))
            for replica in ("a", "b")
        ]
    )
    assert total_of(grown(version)) == Counts(10, 0)


def test_samples_that_are_not_numbers_are_left_out() -> None:
    version = counts.collect(
        [series(TOTAL, [(0, 10), (5, math.nan), (10, 30)]), series(CLASS, [(0, 10), (5, math.inf), (10, 30)], "2")]
    )
    assert grown(version) == [counts.Increment(0, 10, Counts(20, 0))]


def unanswered(totals: list[float], answered: list[float], active: list[float]) -> Counts:
    times = [5.0 * index for index in range(len(totals))]
    version = counts.collect(
        [
            series(TOTAL, list(zip(times, totals, strict=True))),
            series(CLASS, list(zip(times, answered, strict=True)), "2"),
            series(ACTIVE, list(zip(times, active, strict=True))),
        ]
    )
    return total_of(grown(version))


def test_unanswered_requests_are_bad() -> None:
    assert unanswered([10, 30, 50], [10, 23, 43], [0, 0, 0]) == Counts(40, 7)


def test_requests_under_way_are_not_unanswered() -> None:
    assert unanswered([10, 30, 50], [10, 23, 40], [0, 7, 10]) == Counts(30, 0)


def test_one_scrape_alone_does_not_show_an_unanswered_request() -> None:
    """Answered between the reading of the counters and of the gauge."""
    assert unanswered([10, 30, 50], [10, 29, 50], [0, 0, 0]) == Counts(40, 0)


def test_a_request_just_beginning_does_not_count_an_old_loss_again() -> None:
    """The gauge was read after the counters: for one scrape the losses look fewer."""
    assert unanswered([10, 30, 50, 70, 90], [5, 25, 45, 65, 85], [0, 0, 2, 0, 0]) == Counts(80, 0)


def test_never_fewer_than_none() -> None:
    assert unanswered([10, 30, 50], [10, 30, 50], [3, 9, 9]) == Counts(40, 0)


def test_an_increment_across_a_change_of_weight_is_left_out_by_its_time() -> None:
    found = [
        counts.Increment(0, 5, Counts(9, 1)),
        counts.Increment(5, 30, Counts(7, 7)),
        counts.Increment(30, 35, Counts(5, 0)),
    ]
    assert counts.between(found, 0, 40, [(11, 13)]) == Counts(14, 1)
    assert counts.between(found, 5, 30, []) == Counts(7, 7)
    assert counts.between(found, 30, 35, [(1, 2), (30.5, 31)]) == Counts(0, 0)


def test_memory_keeps_what_the_next_interval_needs_and_no_more() -> None:
    old = counts.collect([series(TOTAL, [(float(time), float(time)) for time in range(0, 100, 5)])])
    new = counts.collect([series(TOTAL, [(100, 100)]), series(TOTAL, [(3, 3)], pod="gone")])
    merged = counts.merge(old, new, since=90)
    assert sorted(sorted(by_time) for by_time in merged.values()) == [[3], [80, 85, 90, 95, 100]]
