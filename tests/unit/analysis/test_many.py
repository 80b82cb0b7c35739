"""Many rollouts: the worst is looked at first, sources do not wait for each other, what is kept is bounded."""

from __future__ import annotations

import asyncio
import math
from dataclasses import replace

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from perennial.core.analysis import Analysis
from perennial.core.analysis_types import TracePoint
from perennial.core.counting.pods import PodErrors
from perennial.core.queue import Key
from perennial.core.rollout_metrics import RolloutCollector
from perennial.core.sources import Source, Sources
from perennial.core.trace import POINTS, Trace
from perennial.ports.prometheus_types import Series
from perennial.rollout.counts import CLASS, POD_ERROR, POD_TOTAL, TOTAL

from .world import GRID, PLAN, START, Loop, World, at, gateway, steady, watched

NAMES = [f"d{index:02d}" for index in range(12)]


def crowd(time: float) -> dict[tuple[str, str], float]:
    """Twelve rollouts; after some time the canary of one answers with 503."""
    bad = "5" if time > START + 360 else "2"
    rates = {}
    for name in NAMES:
        rates[f"{name}-1", "2"] = 90.0
        rates[f"{name}-2", bad if name == "d07" else "2"] = 10.0
    return rates


async def test_the_order_of_a_poll_is_by_how_bad_the_counts_are() -> None:
    world, order = World(crowd), list[str]()
    world.versions = {isvc for isvc, _ in crowd(0)}
    world.run(380)
    analysis: Analysis[str] = Analysis(gateway(world.prometheus), world, GRID, order.append)
    first = watched(world, weight_since=at(START + 300), step_since=at(START + 300))
    for name in NAMES:
        analysis.track(replace(first, key=name, stable=f"{name}-1", canary=f"{name}-2"))
    while await analysis.poll():
        pass
    assert sorted(order) == NAMES
    assert order[0] == "d07", "though seven were asked for before it"


class Hangs:
    """A Prometheus that never answers."""

    async def query(self, promql: str, at: float) -> list[Series]:
        await asyncio.Event().wait()
        raise AssertionError(promql, at)


async def test_a_source_that_hangs_keeps_no_other_waiting() -> None:
    world, read = World(steady()), asyncio.Event()
    world.run(300)
    good = gateway(world.prometheus).by_name[""]
    hangs = Source("hangs", Hangs(), Hangs(), good.families)

    async def sleep(seconds: float) -> None:
        world.run(max(math.ceil(seconds), 1))
        if analysis.read("m") is not None:
            read.set()
        await asyncio.sleep(0)

    analysis: Analysis[str] = Analysis(Sources({"hangs": hangs, "": good}), world, GRID, lambda _: None, sleep)
    analysis.track(watched(world, key="stuck", source="hangs"))
    analysis.track(watched(world))
    task = asyncio.create_task(analysis.run())
    await asyncio.wait_for(read.wait(), 10)
    task.cancel()
    assert await asyncio.gather(task, return_exceptions=True)
    assert analysis.read("stuck") is None


def test_a_trace_keeps_an_hour_and_the_newest() -> None:
    trace = Trace()
    for index in range(1000):
        trace.add(TracePoint(START + 5.0 * index, index // 900, 5, index / 1000, -1.0))
    points = trace.points()
    assert len(points) == POINTS
    assert points[-1] == TracePoint(START + 4995.0, 1, 5, 0.999, -1.0)
    assert [point.time for point in points[:2]] == sorted(point.time for point in points[:2])
    assert points[-1].time - points[0].time <= 3600
    assert isinstance(points[0].step, int)


async def test_the_trace_of_a_rollout() -> None:
    world = World(steady())
    world.run(300)
    loop = Loop(world, watched(world))
    await loop.run(60)
    loop.enter(1)
    reading = await loop.run(30)
    points = loop.analysis.trace("m")
    assert [point.step for point in points] == sorted(point.step for point in points)
    assert {(point.step, point.weight) for point in points} == {(0, 5), (1, 10)}
    assert (points[-1].time, points[-1].evidence_advance) == (reading.at.timestamp(), reading.evidence_advance)
    assert loop.analysis.trace("other") == []


async def test_the_series_of_a_rollout_are_few_and_end_with_it() -> None:
    world, key = World(steady()), Key("ModelDeployment", "flights", "late")
    world.run(300)
    analysis: Analysis[Key] = Analysis(gateway(world.prometheus), world, GRID, lambda _: None)
    analysis.track(replace(watched(world), key=key))  # type: ignore[arg-type]
    world.run(20)
    while await analysis.poll():
        pass
    assert analysis.read(key) is not None
    registry = CollectorRegistry()
    registry.register(RolloutCollector(analysis.snapshot))
    lines = [line for line in generate_latest(registry).decode().splitlines() if "object_name=" in line]
    assert len(lines) == 5
    assert 'verdict="Hold"' in "".join(lines)
    assert "perennial_rollout_expected_seconds" in "".join(lines)
    analysis.forget(key)
    assert b"object_name" not in generate_latest(registry)


def endpoint(name: str, pod: str, values: list[float]) -> Series:
    labels = {"__name__": name, "isvc_namespace": "a", "isvc": "b", "pod": "envoy", "envoy_endpoint_address": pod}
    return Series(labels, tuple((5.0 * index, value) for index, value in enumerate(values)))


def test_incidents_of_single_pods_are_bursts_of_pods() -> None:
    family, steps = PodErrors("perennial-gateway"), 200
    quiet = [5.0 * index for index in range(steps)]
    bursts = [40.0 * (index // 20) for index in range(steps)]
    series = [
        *(endpoint(POD_TOTAL, f"10.0.0.{pod}:8080", [50.0 * index for index in range(steps)]) for pod in range(3)),
        endpoint(POD_ERROR, "10.0.0.0:8080", bursts),
        *(endpoint(POD_ERROR, f"10.0.0.{pod}:8080", quiet) for pod in (1, 2)),
    ]
    raw = [(each.labels, each.samples) for each in series]
    pods = family.pods(raw, 0.0, 5.0 * steps, 5.0)
    assert pods.stable == 3
    assert pods.phi > 3
    alone = [each for each in raw if each[0]["envoy_endpoint_address"] != "10.0.0.0:8080"]
    assert family.pods(alone, 0.0, 5.0 * steps, 5.0).phi == 1.0


@pytest.mark.parametrize(("bursty", "many"), [(True, False), (False, False), (True, True)])
async def test_burstiness_is_measured_before_the_rollout_also_long_before(bursty: bool, many: bool) -> None:
    """With few bad requests in the last hour the day before it tells how they come."""
    world = World(steady())
    begin, total, bad = START - 6 * 3600, 0.0, 0.0
    for index in range(6 * 720):
        when = begin + 5 * index
        total += 500
        recent = when > START - 3600
        if not recent or many:
            bad += (60 if index % 24 == 0 else 0) if bursty else 2.5
        labels = {"job": GRID.job, "isvc_namespace": "flights", "isvc": "m-1", "pod": "envoy-a"}
        world.prometheus.add(labels | {"__name__": TOTAL}, when, total)
        for code, value in (("2", total - int(bad)), ("5", int(bad))):
            world.prometheus.add(labels | {"__name__": CLASS, "envoy_response_code_class": code}, when, value)
    world.traffic = lambda _: {}
    loop = Loop(world, watched(world, plan=replace(PLAN, warm_up_seconds=60)))
    world.time = START + 8
    await loop.analysis.poll()
    entry = loop.analysis._entries["m"]
    assert entry.progress is not None
    phi = entry.progress.warmth.metrics["errors"].spread.phi
    assert phi > 5 if bursty else phi == 1.0
    assert entry.question is not None
    assert entry.progress.warmth.histories(entry.question.families, {})["errors"].phi == phi
    queries = [query for query, _ in world.prometheus.queries if ":60s]" in query]
    assert len(queries) == (0 if many else 1)
