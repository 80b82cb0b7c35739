"""Metrics of the operator's owner: any yes/no, from queries that may be slow or fail without harm to others."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from perennial.core.analysis import Analysis, Reading, Watched
from perennial.core.analysis_types import Counted
from perennial.core.counting import growth
from perennial.core.counting.growth import Tails
from perennial.core.counting.ratio import Ratio, doubled
from perennial.core.counting.selector import parse
from perennial.core.sources import Source, Sources, gateway_families
from perennial.ports.prometheus_types import PrometheusUnavailable, Series
from perennial.rollout import Verdict, errors, metric

from .world import GRID, PLAN, START, Loop, World, steady, watched

OWNER = 'isvc_namespace="{namespace}",isvc="{inferenceService}"'
RATIO = Ratio("refused", (parse(f"answers_total{{{OWNER}}}"),), (parse(f'answers_total{{{OWNER},refused="yes"}}'),))


class Servers(World):
    """Model servers count how many of their answers are refusals, of each version `refused` of a hundred."""

    refused: dict[str, int]

    def scrape(self) -> None:
        super().scrape()
        for isvc, bad in self.refused.items():
            for how, share in (("yes", bad), ("no", 100 - bad)):
                labels = {"isvc_namespace": "flights", "isvc": isvc, "pod": f"{isvc}-x", "refused": how}
                self.prometheus.add(labels | {"__name__": "answers_total"}, self.time, int(self.time - START) * share)


class Slow:
    """The same Prometheus, which may not answer."""

    def __init__(self, world: World) -> None:
        self.world, self.fails, self.hangs = world, False, False

    async def query(self, promql: str, at: float) -> list[Series]:
        if self.fails and "answers_total" in promql:
            raise PrometheusUnavailable("Timeout", "Prometheus did not answer in time.")
        if self.hangs and "answers_total" in promql:
            await asyncio.Event().wait()
        return await self.world.prometheus.query(promql, at)


def servers(canary_refuses: int = 10, canary_bad: float = 0.0) -> Servers:
    world = Servers(steady(canary_bad))
    world.refused = {"m-1": 10, "m-2": canary_refuses}
    world.run(300)
    return world


class OwnLoop(Loop):
    """The loop of a source with a metric of its own."""

    def __init__(self, world: World, rollout: Watched[str], grid: object = GRID) -> None:
        super().__init__(world, rollout)
        self.slow = Slow(world)
        families = {**gateway_families(GRID.job), "refused": RATIO}
        source = Source("", world.prometheus, self.slow, families)
        self.analysis = Analysis(Sources({"": source}), world, GRID, self.changes.append)
        self.analysis.track(rollout)


def asked(world: World) -> Watched[str]:
    plan = replace(PLAN, metrics=(*errors(0.01), metric("refused", 0.05)))
    return watched(world, plan=plan, metrics=(Counted("errors"), Counted("refused")))


async def test_a_canary_that_refuses_more_is_rolled_back() -> None:
    world = servers(canary_refuses=40)
    reading = await OwnLoop(world, asked(world)).run(30)
    assert reading.verdict is Verdict.ROLL_BACK
    assert "worse than stable in refused" in reading.message


async def test_one_that_refuses_as_often_goes_on() -> None:
    world = servers()
    reading = await OwnLoop(world, asked(world)).run(120)
    assert reading.verdict is Verdict.ADVANCE


async def break_down(world: Servers, how: str) -> tuple[OwnLoop, Reading]:
    loop = OwnLoop(world, asked(world))
    before = await loop.run(30)
    if how == "fails":
        loop.slow.fails = True
    else:
        loop.slow.hangs = True
    return loop, before


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a query that hangs costs a test little."""
    monkeypatch.setattr("perennial.core.polls.OWN_METRICS_WAIT", 0.001)


@pytest.mark.parametrize("how", ["fails", "hangs"])
async def test_while_it_is_not_answered_nothing_moves_and_nothing_is_lost(how: str) -> None:
    world = servers()
    loop, before = await break_down(world, how)
    away = await loop.run(40)
    assert (away.verdict, away.reason) == (Verdict.HOLD, "MetricsUnavailable")
    assert away.canary_requests == before.canary_requests, "it waits, to count all metrics together"
    loop.slow.fails = loop.slow.hangs = False
    back = await loop.run(20)
    straight = await OwnLoop(world, loop.watched).catch_up()
    assert back.checkpoint == straight.checkpoint


@pytest.mark.parametrize("how", ["fails", "hangs"])
async def test_errors_are_found_all_the_same(how: str) -> None:
    world = servers()
    loop, _ = await break_down(world, how)
    world.traffic = steady(canary_bad=10.0)
    reading = await loop.run(15)
    assert reading.verdict is Verdict.ROLL_BACK
    assert loop.changes[-1] == "m"


async def test_after_a_minute_it_is_left_out_and_blocks_every_move() -> None:
    world = servers()
    loop, before = await break_down(world, "fails")
    away = await loop.run(180)
    assert away.reason == "MetricsUnavailable"
    counts = {each.name: each.canary_requests for each in away.metrics}
    assert counts["errors"] > before.canary_requests + 1000
    assert counts["refused"] < 20_000


def test_two_servers_that_are_not_told_apart_are_found() -> None:
    labels = {"__name__": "answers_total", "isvc_namespace": "a", "isvc": "b", "pod": "p", "refused": "no"}

    def one(shift: float, **more: str) -> tuple[dict[str, str], list[tuple[float, float]]]:
        return labels | more, [(shift + 5.0 * index, 10.0 * index) for index in range(4)]

    assert doubled(RATIO.collect([one(0.0, replica="a"), one(2.0, replica="b")]))
    assert not doubled(RATIO.collect([one(0.0, code="1"), one(0.0, code="2")]))
    told = replace(RATIO, replica_labels=("replica",))
    merged = told.collect([one(0.0, replica="a"), one(2.0, replica="b")])
    assert not doubled(merged)
    grown = growth.follow(Tails(), merged, {})[1]
    assert grown.between(-1, 100)["total"] == 30


async def test_doubled_samples_hold_with_a_sentence() -> None:
    world = servers()
    for when in range(int(START), int(START) + 300, 5):
        labels = {"isvc_namespace": "flights", "isvc": "m-1", "pod": "m-1-x", "refused": "no", "replica": "b"}
        world.prometheus.add(labels | {"__name__": "answers_total"}, when + 0.5, 90.0 * (when - START))
    reading = await OwnLoop(world, asked(world)).run(20)
    assert reading.reason == "MetricsUnavailable"
    assert "samples of the metric refused twice" in reading.message
    assert "replicaLabels" in reading.message
