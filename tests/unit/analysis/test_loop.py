"""The metrics loop with a Prometheus in memory."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from perennial.core.analysis import NOT_ROUTED, Analysis
from perennial.core.sources import Sources
from perennial.ports.prometheus import PrometheusUnavailable
from perennial.rollout import Verdict, errors

from .world import GRID, PLAN, Loop, World, steady, watched

AWAY = PrometheusUnavailable("Unreachable", "Prometheus at http://p:9090 cannot be reached (ConnectionError).")


def world_with_history(seconds: float = 300.0, canary_bad: float = 0.0) -> World:
    world = World(steady(canary_bad))
    world.run(seconds)
    return world


async def test_history_from_before_the_rollout_is_warm_up() -> None:
    world = world_with_history()
    reading = await Loop(world, watched(world)).run(20)
    assert reading.reason == "InsufficientEvidence"
    assert reading.first_step == 0
    assert reading.canary_requests > 0
    assert reading.checkpoint


async def test_without_history_it_warms_up_and_says_how_far_it_is() -> None:
    world = world_with_history(10)
    loop = Loop(world, watched(world))
    reading = await loop.run(20)
    assert (reading.verdict, reading.reason) == (Verdict.HOLD, "WarmingUp")
    assert " of 60 s" in reading.message
    assert reading.checkpoint == ""
    assert (await loop.run(60)).reason == "InsufficientEvidence"


async def test_a_hundred_bad_requests_are_warm_up_enough() -> None:
    world = World(lambda _: {("m-1", "2"): 80.0, ("m-1", "5"): 10.0, ("m-2", "2"): 9.0, ("m-2", "5"): 1.0})
    world.run(20)
    loop = Loop(world, watched(world, plan=replace(PLAN, warm_up_seconds=3600)))
    assert (await loop.run(20)).reason != "WarmingUp"


async def test_a_broken_canary_is_rolled_back_at_the_first_batch_and_the_queue_is_called() -> None:
    world = world_with_history(canary_bad=10.0)
    loop = Loop(world, watched(world))
    reading = await loop.run(20)
    assert reading.verdict is Verdict.ROLL_BACK
    assert reading.evidence_rollback > reading.bound_rollback
    assert "(100 %)" in reading.message
    assert loop.changes[-1] == "m"


async def test_a_good_canary_goes_all_the_way() -> None:
    world = world_with_history()
    loop = Loop(world, watched(world))
    for step in range(4):
        reading = await loop.run(5)
        for _ in range(60):
            if reading.verdict is not Verdict.HOLD:
                break
            reading = await loop.run(5)
        assert (reading.step, reading.verdict) == (step, Verdict.PROMOTE if step == 3 else Verdict.ADVANCE)
        if step < 3:
            loop.enter(step + 1)
            entered = loop.analysis.read("m")
            assert entered is not None
            assert (entered.step, entered.verdict) == (step + 1, Verdict.HOLD), "the verdict of the last step is over"


async def test_the_queue_is_called_only_for_changes() -> None:
    world = world_with_history()
    loop = Loop(world, watched(world))
    stories = []
    for _ in range(30):
        reading = await loop.run(5)
        stories.append((reading.verdict, reading.reason))
    different = 1 + sum(one != other for one, other in pairwise(stories))
    assert len(loop.changes) <= different < 6


async def test_one_query_serves_all_rollouts() -> None:
    world = world_with_history()
    loop = Loop(world, watched(world))
    for index in range(5):
        loop.analysis.track(watched(world, key=f"other-{index}"))
    await loop.run(20)
    world.prometheus.queries.clear()
    await loop.run(10)
    assert len(world.prometheus.queries) == 2, "two polls"
    assert {query for query, _ in world.prometheus.queries} == {
        '{job="perennial-gateway",__name__=~"envoy_cluster_upstream_rq_total|envoy_cluster_upstream_rq_xx|envoy_cluster_upstream_rq_active",'
        'isvc!=""}[5s]',
    }
    assert all(time <= world.time - GRID.scrape_timeout_seconds - 1 for _, time in world.prometheus.queries)


async def test_missing_data_never_counts_against_a_model() -> None:
    world = world_with_history()
    loop = Loop(world, watched(world))
    before = await loop.run(20)
    world.prometheus.failure = AWAY
    away = await loop.run(120)
    assert (away.verdict, away.reason) == (Verdict.HOLD, "MetricsUnavailable")
    assert "cannot be reached" in away.message
    assert away.evidence_rollback == before.evidence_rollback
    world.prometheus.failure = None
    back = await loop.run(1)
    assert back.reason != "MetricsUnavailable"
    assert back.canary_requests == pytest.approx(before.canary_requests + 1200, abs=60), "Prometheus kept the samples"


async def test_a_gateway_that_is_not_scraped_holds_and_the_gap_is_one_batch() -> None:
    world = world_with_history()
    loop = Loop(world, watched(world))
    before = await loop.run(20)
    world.scraping = False
    away = await loop.run(60)
    assert away.reason == "MetricsUnavailable"
    assert "no samples of m-1 and m-2" in away.message
    assert "nor of any other service: let it scrape the gateway" in away.message
    world.scraping = True
    back = await loop.run(20)
    assert back.verdict is not Verdict.ROLL_BACK
    assert back.canary_requests == pytest.approx(before.canary_requests + 800, abs=60)


async def test_a_version_whose_series_vanish_is_no_evidence() -> None:
    world = world_with_history()
    loop = Loop(world, watched(world))
    before = await loop.run(30)
    world.versions = {"m-1"}
    reading = await loop.run(60)
    assert reading.reason == "MetricsUnavailable"
    assert "no samples of m-2 " in reading.message
    assert "though it has of other services: look at GatewayReady" in reading.message
    assert reading.evidence_rollback == pytest.approx(before.evidence_rollback, abs=0.5)
    assert reading.canary_bad == 0


async def test_numbers_that_are_none_never_count_against_a_model() -> None:
    world = world_with_history()
    loop = Loop(world, watched(world))
    before = await loop.run(30)
    add = world.prometheus.add
    world.prometheus.add = lambda labels, time, value: add(labels, time, float("nan"))  # type: ignore[method-assign]
    reading = await loop.run(60)
    assert (reading.verdict, reading.reason) == (Verdict.HOLD, "MetricsUnavailable")
    assert reading.canary_requests - before.canary_requests <= 100
    assert reading.evidence_rollback == pytest.approx(before.evidence_rollback, abs=0.5)


async def test_no_requests_to_the_canary() -> None:
    world = World(lambda _: {("m-1", "2"): 90.0})
    world.run(300)
    reading = await Loop(world, watched(world)).run(90)
    assert (reading.verdict, reading.reason) == (Verdict.HOLD, "NoTraffic")
    assert reading.evidence_rollback == pytest.approx(0.0, abs=1e-9)


async def test_without_a_prometheus_it_says_so() -> None:
    world = world_with_history(1)
    analysis: Analysis[str] = Analysis(Sources(), world, GRID, lambda _: None)
    analysis.track(watched(world))
    await analysis.poll()
    reading = analysis.read("m")
    assert reading is not None
    assert reading.message == "No Prometheus is configured for the operator; set its prometheus-url."


async def test_before_the_first_share_stable_is_learnt_and_nothing_judged() -> None:
    world = World(lambda _: {("m-1", "2"): 5.0})
    world.run(300)
    loop = Loop(world, watched(world, step=NOT_ROUTED))
    reading = await loop.run(20)
    assert (reading.verdict, reading.reason) == (Verdict.HOLD, "NoTraffic")
    assert reading.first_step == 2, "thin traffic starts at 25 %"


async def test_another_revision_or_plan_begins_anew() -> None:
    world = world_with_history()
    loop = Loop(world, watched(world))
    await loop.run(30)
    for change in ({"revision": "r3"}, {"plan": replace(PLAN, metrics=errors(0.02))}):
        loop.analysis.track(watched(world, **change))
        assert loop.analysis.read("m") is None
    loop.analysis.forget("m")
    assert loop.analysis.snapshot() == []


async def test_gauges() -> None:
    world = world_with_history()
    loop = Loop(world, watched(world))
    reading = await loop.run(20)
    (gauges,) = loop.analysis.snapshot()
    assert (gauges.key, gauges.weight, gauges.verdict) == ("m", 5, Verdict.HOLD)
    assert gauges.evidence_rollback == reading.evidence_rollback


def test_a_step_that_the_plan_does_not_have() -> None:
    with pytest.raises(ValueError, match="step 5"):
        watched(World(steady()), step=5)
