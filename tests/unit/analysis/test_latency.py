"""Latency: bounds on the edges of the histogram, given or learned from stable and then frozen."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from perennial.core.analysis import Watched
from perennial.core.analysis_types import NOT_ROUTED, Counted
from perennial.core.counting import buckets, growth
from perennial.core.counting.buckets import Buckets
from perennial.core.counting.family import Wanted
from perennial.core.counting.growth import Tails
from perennial.core.counting.selector import parse
from perennial.core.sources import gateway_families
from perennial.rollout import Verdict, errors, metric
from perennial.rollout.counts import TIME_BUCKET
from perennial.rollout.evalue import Counts

from .world import GRID, PLAN, Loop, World, steady, watched

SEEN = {"10": 50.0, "25": 94.0, "50": 96.0, "100": 100.0, "inf": 100.0}


@pytest.mark.parametrize(("given", "edge"), [(10, 10.0), (11, 25.0), (100, 100.0), (101, None)])
def test_a_bound_that_is_given_is_moved_to_the_next_edge_above(given: float, edge: float | None) -> None:
    assert buckets.edge_for(given, SEEN) == edge


@pytest.mark.parametrize(
    ("seen", "edge"),
    [(SEEN, 50.0), ({"10": 95.0, "25": 100.0, "inf": 100.0}, 10.0), ({"10": 3.0, "inf": 100.0}, 10.0), ({}, None)],
    ids=["above the 95th percentile", "on it", "beyond the last edge", "no requests"],
)
def test_a_bound_is_learned_from_the_95th_percentile(seen: dict[str, float], edge: float | None) -> None:
    assert buckets.learned(seen) == edge


def family(unit: float = 1.0) -> Buckets:
    return Buckets(parse(TIME_BUCKET + '{isvc_namespace="{namespace}",isvc="{inferenceService}"}'), unit)


def test_slower_ones_are_counted_whatever_way_edges_are_written() -> None:
    def bucket(le: str, *values: float) -> tuple[dict[str, str], list[tuple[float, float]]]:
        labels = {"__name__": TIME_BUCKET, "isvc_namespace": "ns", "isvc": "m", "pod": "a", "le": le}
        return labels, list(enumerate(values))

    series = [bucket("0.01", 0, 4), bucket("0.05", 0, 7), bucket("+Inf", 0, 9), bucket("2.5e-02", 0, 5)]
    seconds = family(1000.0)
    found = growth.follow(Tails(), seconds.collect(series, 50.0), {})[1].between(-1, 9)
    assert seconds.tally(found, 50.0).compared == Counts(9, 2)
    without = [each for each in series if each[0]["le"] != "0.05"]
    assert not growth.follow(Tails(), seconds.collect(without, 50.0), {})[1].times, "no edge: not all are slow"


def test_only_the_edges_that_are_needed_are_asked_for() -> None:
    query = family().query(5, Wanted(edges=family().labels_of(25.0)))
    assert query.endswith(',le=~"25|25\\\\.0|[+]Inf"}[5s]')
    assert 'isvc=~".+"' in query


def slow_canary(world: World, bound: int | None = None, **changes: object) -> Watched[str]:
    plan = replace(PLAN, metrics=(*errors(0.01), metric("latency", 0.02)))
    return watched(world, plan=plan, metrics=(Counted("errors"), Counted("latency", bound)), **changes)


@pytest.mark.parametrize(
    ("bound", "note"), [(None, "slower than 10 ms, learned from stable"), (40, "slower than 50 ms, ")]
)
async def test_a_slow_canary_is_rolled_back(bound: int | None, note: str) -> None:
    world = World(steady(), slow={"m-1": 0.02, "m-2": 0.5})
    world.run(300)
    reading = await Loop(world, slow_canary(world, bound)).run(30)
    assert reading.verdict is Verdict.ROLL_BACK
    assert "latency" in reading.message
    errors_, latency = reading.metrics
    assert (errors_.name, errors_.canary_bad, latency.name) == ("errors", 0, "latency")
    assert latency.note.startswith(note)
    assert latency.canary_bad == pytest.approx(latency.canary_requests / 2, abs=3)
    assert latency.evidence_rollback > latency.bound_rollback


async def test_a_canary_as_slow_as_stable_goes_on() -> None:
    world = World(steady(), slow={"m-1": 0.03, "m-2": 0.03})
    world.run(300)
    loop = Loop(world, slow_canary(world))
    reading = await loop.run(5)
    for _ in range(60):
        if reading.verdict is not Verdict.HOLD:
            break
        reading = await loop.run(5)
    assert reading.verdict is Verdict.ADVANCE
    assert len(reading.metrics) == 2


async def test_a_learned_bound_is_frozen_in_the_checkpoint() -> None:
    world = World(steady(), slow={"m-1": 0.02, "m-2": 0.02})
    world.run(300)
    loop = Loop(world, slow_canary(world))
    reading = await loop.run(30)
    assert json.loads(reading.checkpoint)["bounds"] == {"latency": "10.0"}
    world.slow = {"m-1": 0.5, "m-2": 0.5}
    world.run(300)
    again = Loop(world, replace(loop.watched, checkpoint=reading.checkpoint))
    assert json.loads((await again.catch_up()).checkpoint)["bounds"] == {"latency": "10.0"}


async def test_without_a_histogram_it_holds_and_says_where_to_look() -> None:
    world = World(steady())
    world.run(300)
    reading = await Loop(world, slow_canary(world, step=NOT_ROUTED)).run(20)
    assert (reading.verdict, reading.reason) == (Verdict.HOLD, "MetricsUnavailable")
    assert "no samples for the metric latency of m-1" in reading.message


async def test_a_bound_above_the_highest_edge_is_told_before_the_canary_starts() -> None:
    world = World(steady(), slow={"m-1": 0.02})
    world.run(300)
    reading = await Loop(world, slow_canary(world, 500, step=NOT_ROUTED)).run(20)
    assert reading.reason == "MetricsUnavailable"
    assert "no edge at or above 500 ms (the highest is 100 ms): set a lower" in reading.message


async def test_a_histogram_that_vanishes_is_no_evidence_and_no_promotion() -> None:
    world = World(steady(), slow={"m-1": 0.02, "m-2": 0.02})
    world.run(300)
    loop = Loop(world, slow_canary(world))
    await loop.run(60)
    world.slow = {}
    reading = await loop.run(60)
    assert reading.reason == "MetricsUnavailable"
    assert "for the metric latency" in reading.message


def test_the_gateways_histogram_is_of_its_own_job() -> None:
    query = gateway_families(GRID.job)["latency"].query(5, Wanted((("flights", "m-1"),)))
    assert query == f'{{__name__=~"{TIME_BUCKET}",job="perennial-gateway",isvc_namespace=~"flights",isvc=~"m-1"}}[5s]'
