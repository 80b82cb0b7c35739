"""Counts of the gateway from raw samples: resets, late classes, new series, doubled samples, unanswered requests."""

from __future__ import annotations

import math

import pytest

from perennial.core.counting import growth
from perennial.core.counting.family import RawSeries, Wanted
from perennial.core.counting.gateway import GatewayErrors
from perennial.core.counting.growth import GAP_SECONDS, Grown, Increment, Tails
from perennial.rollout.counts import ACTIVE, CLASS, CLASS_LABEL, TOTAL
from perennial.rollout.evalue import Counts

Samples = list[tuple[float, float]]
FAMILY = GatewayErrors("perennial-gateway")


def series(name: str, samples: Samples, code: str = "", isvc: str = "m-1", **labels: str) -> RawSeries:
    of_class = {CLASS_LABEL: code} if code else {}
    return {"__name__": name, "isvc_namespace": "ns", "isvc": isvc, "pod": "envoy-a", **of_class, **labels}, samples


def grown(version: list[RawSeries], other: list[RawSeries] | None = None) -> Grown:
    return growth.follow(Tails(), FAMILY.collect(version), FAMILY.collect(other or []))[1]


def counted(found: Grown, start: float = -math.inf, end: float = math.inf) -> Counts:
    return FAMILY.tally(found.between(start, end), None).compared


def one(start: float, end: float, n: float, bad: float) -> Increment:
    return Increment(start, end, {"2": n - bad, "5": bad})


def test_increments_between_scrapes() -> None:
    found = grown(
        [
            series(TOTAL, [(0, 100), (5, 120)]),
            series(CLASS, [(0, 90), (5, 108)], "2"),
            series(CLASS, [(0, 10), (5, 12)], "5"),
        ]
    )
    assert [(one.start, one.end) for one in found.increments] == [(0, 5)]
    assert counted(found) == Counts(20, 2)
    assert found.times == [0, 5]


@pytest.mark.parametrize(
    ("code", "bad", "failed"),
    [("1", 0, 0), ("2", 0, 0), ("3", 0, 0), ("4", 8, 0), ("5", 8, 8)],
    ids=["1xx", "2xx", "3xx", "4xx", "5xx"],
)
def test_a_class_that_appears_late_counts_from_zero(code: str, bad: int, failed: int) -> None:
    found = grown([series(TOTAL, [(0, 0), (5, 0), (10, 8)]), series(CLASS, [(10, 8)], code)])
    tally = FAMILY.tally(found.between(0, 10), None)
    assert tally == (Counts(8, bad), Counts(8, failed))


def test_a_restart_counts_from_zero() -> None:
    found = grown(
        [series(TOTAL, [(0, 100), (5, 9)]), series(CLASS, [(0, 5), (5, 7)], "2"), series(CLASS, [(0, 95), (5, 2)], "5")]
    )
    assert counted(found) == Counts(9, 2)


def test_a_version_that_appears_on_a_scraped_process_counts_from_zero() -> None:
    stable = [series(TOTAL, [(0, 50), (5, 60)]), series(CLASS, [(0, 50), (5, 60)], "2")]
    canary = [series(TOTAL, [(5, 4)], isvc="m-2"), series(CLASS, [(5, 4)], "4", isvc="m-2")]
    found = grown(canary, stable)
    assert (found.increments[0].start, counted(found)) == (0, Counts(4, 4))


def test_a_process_seen_for_the_first_time_only_sets_the_baseline() -> None:
    found = grown(
        [
            *(series(TOTAL, [(0, 10), (5, 20)]), series(CLASS, [(0, 10), (5, 20)], "2")),
            *(series(TOTAL, [(5, 999)], pod="envoy-b"), series(CLASS, [(5, 999)], "2", pod="envoy-b")),
        ]
    )
    assert counted(found) == Counts(10, 0)


def test_several_processes_are_summed() -> None:
    found = grown(
        [
            *(series(TOTAL, [(0, 10), (5, 20)]), series(CLASS, [(0, 10), (5, 20)], "2")),
            *(series(TOTAL, [(1, 5), (6, 9)], pod="envoy-b"), series(CLASS, [(1, 5), (6, 9)], "5", pod="envoy-b")),
        ]
    )
    assert counted(found) == Counts(14, 4)


@pytest.mark.parametrize("label", ["prometheus_replica", "replica", "any_name"])
def test_doubled_samples_and_replicas_of_prometheus_count_once(label: str) -> None:
    found = grown(
        [
            series(kind, [(shift, 10.0), (shift + 5, 20.0), (shift + 5, 20.0)], code, **{label: replica})
            for kind, code in ((TOTAL, ""), (CLASS, "2"))
            for replica, shift in (("a", 0.0), ("b", 1.5))
        ]
    )
    assert counted(found) == Counts(10, 0)


def test_a_scrape_with_what_is_no_number_is_none() -> None:
    found = grown(
        [
            series(TOTAL, [(0, 10), (5, 12), (10, 30)]),
            series(CLASS, [(0, 4), (5, math.nan), (10, 24)], "2"),
            series(CLASS, [(0, 6), (5, 6), (10, 6)], "5"),
        ]
    )
    assert [(one.start, one.end) for one in found.increments] == [(0, 10)]
    assert counted(found) == Counts(20, 0), "old errors must not count again"


def test_a_scrape_without_the_total_is_none() -> None:
    """Otherwise its absence would look like a restart, and everything before would count again."""
    found = grown([series(TOTAL, [(0, 900), (10, 920)]), series(CLASS, [(0, 900), (5, 910), (10, 920)], "5")])
    assert counted(found) == Counts(20, 20)


def test_after_a_long_gap_counting_begins_anew() -> None:
    late = GAP_SECONDS + 1
    found = grown([series(TOTAL, [(0, 10), (late, 900), (late + 5, 907)]), series(CLASS, [(0, 10), (late, 900)], "5")])
    assert [(one.start, one.end) for one in found.increments] == [(late, late + 5)]


def test_what_comes_late_or_twice_changes_nothing() -> None:
    first = FAMILY.collect([series(TOTAL, [(0, 0), (5, 10)]), series(CLASS, [(0, 0), (5, 10)], "2")])
    again = FAMILY.collect(
        [series(TOTAL, [(3, 6), (5, 10), (10, 14)]), series(CLASS, [(3, 6), (5, 10), (10, 14)], "2")]
    )
    tails, before, _ = growth.follow(Tails(), first, {})
    _, after, _ = growth.follow(tails, again, {})
    assert (counted(before), counted(after)) == (Counts(10, 0), Counts(4, 0))


def unanswered(totals: list[float], answered: list[float], active: list[float]) -> Counts:
    times = [5.0 * index for index in range(len(totals))]
    return counted(
        grown(
            [
                series(TOTAL, list(zip(times, totals, strict=True))),
                series(CLASS, list(zip(times, answered, strict=True)), "2"),
                series(ACTIVE, list(zip(times, active, strict=True))),
            ]
        )
    )


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
    found = Grown([one(0, 5, 9, 1), one(5, 30, 7, 7), one(30, 35, 5, 0)])
    assert FAMILY.tally(found.between(0, 40, [(11, 13)]), None).compared == Counts(14, 1)
    assert FAMILY.tally(found.between(5, 30), None).compared == Counts(7, 7)
    assert FAMILY.tally(found.between(30, 35, [(1, 2), (30.5, 31)]), None).compared == Counts(0, 0)


def test_memory_keeps_one_line_of_each_process_that_lives() -> None:
    gone = series(TOTAL, [(0.0, 1.0), (5.0, 2.0)], pod="gone")
    lives = series(TOTAL, [(float(time), float(time)) for time in range(0, 2000, 5)])
    tails, _, _ = growth.follow(Tails(), FAMILY.collect([gone, lives]), {})
    assert [key[0] for key in tails.canary] == [(("pod", "envoy-a"),)]
    assert len(next(iter(tails.canary.values())).losses) == 1


@pytest.mark.parametrize("cut", range(0, 700, 35))
def test_reading_on_depends_on_no_more_than_the_look_back(cut: int) -> None:
    """The same increments whether everything was read or only what LOOKBACK_SECONDS reach; gaps and losses included."""
    times = [float(t) for t in range(0, 1500, 5) if not (400 < t < 640 or 900 < t < 1250)]
    noise = {t: (t // 5 * 7 % 5 == 0) + t // 200 for t in map(int, times)}
    samples = [(TOTAL, "", [(t, 10 * t + noise[int(t)]) for t in times]), (CLASS, "2", [(t, 10 * t) for t in times])]
    at = 700.0 + cut
    whole = [series(name, [s for s in values if s[0] <= at], code) for name, code, values in samples]
    short = [
        series(name, [s for s in values if at - growth.LOOKBACK_SECONDS < s[0] <= at], code)
        for name, code, values in samples
    ]
    newer = FAMILY.collect([series(name, [s for s in values if s[0] > at], code) for name, code, values in samples])
    results = []
    for known in (whole, short):
        tails, _, _ = growth.follow(Tails(), FAMILY.collect(known), {})
        results.append(growth.follow(tails, newer, {})[1].increments)
    assert results[0] == results[1]


def test_queries_name_only_what_is_wanted() -> None:
    every = FAMILY.query(4.2, Wanted())
    assert every == f'{{job="perennial-gateway",__name__=~"{TOTAL}|{CLASS}|{ACTIVE}",isvc!=""}}[5s]'
    some = FAMILY.query(60, Wanted((("b", "m-1"), ("a", "m-2"))))
    assert some.endswith('isvc_namespace=~"a|b",isvc=~"m-1|m-2"}[60s]')
