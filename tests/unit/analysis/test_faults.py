"""What goes wrong in the loop stays there: it says so and goes on."""

from __future__ import annotations

import asyncio
import logging
import math
from dataclasses import replace

import pytest

from perennial.core import evidence
from perennial.core.analysis import Analysis, Watched
from perennial.ports.prometheus import Series
from perennial.rollout import Verdict

from .world import GRID, START, Loop, World, gateway, steady, watched


async def test_a_rollout_that_cannot_be_judged_holds_and_the_others_go_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    world = World(steady(canary_bad=10.0))
    world.run(300)
    loop = Loop(world, watched(world))
    loop.analysis.track(watched(world, key="odd", revision="odd"))
    count = evidence.count

    def sometimes(progress: evidence.Progress, followed: Watched[str], *rest: object) -> evidence.Progress:
        if followed.revision == "odd":
            raise ZeroDivisionError
        return count(progress, followed, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(evidence, "count", sometimes)
    with caplog.at_level(logging.ERROR):
        reading = await loop.run(20)
    odd = loop.analysis.read("odd")
    assert reading.verdict is Verdict.ROLL_BACK
    assert odd is not None
    assert (odd.verdict, odd.reason) == (Verdict.HOLD, "MetricsUnavailable")
    assert any(record.exc_info for record in caplog.records)


class Broken:
    """A source with a mistake in it, which then works."""

    def __init__(self, world: World) -> None:
        self.world, self.asked = world, 0

    async def query(self, promql: str, at: float) -> list[Series]:
        self.asked += 1
        if self.asked == 1:
            raise RuntimeError("a mistake")
        return await self.world.prometheus.query(promql, at)


async def test_no_exception_ends_the_loop() -> None:
    world = World(steady())
    world.run(300)
    pauses: list[float] = []
    read = asyncio.Event()

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        world.run(max(seconds, 0.0))
        if analysis.read("m") is not None:
            read.set()
        await asyncio.sleep(0)

    analysis: Analysis[str] = Analysis(gateway(Broken(world)), world, GRID, lambda _: None, sleep)
    analysis.track(watched(world))
    task = asyncio.create_task(analysis.run())
    await asyncio.wait_for(read.wait(), 10)
    task.cancel()
    assert await asyncio.gather(task, return_exceptions=True)
    assert max(pauses) <= GRID.poll_seconds + 0.02


async def test_a_change_of_weight_while_prometheus_is_asked_is_not_lost() -> None:
    world = World(steady())
    world.run(300)
    loop = Loop(world, watched(world))
    await loop.run(20)
    ask = world.prometheus.query

    async def slow(promql: str, at: float) -> list[Series]:
        if loop.watched.step == 0:
            loop.enter(1)
        return await ask(promql, at)

    world.prometheus.query = slow  # type: ignore[method-assign]
    reading = await loop.run(5)
    assert reading.step == 1
    assert reading.verdict is Verdict.HOLD


async def test_a_prometheus_that_lost_everything() -> None:
    world = World(steady())
    world.run(300)
    loop = Loop(world, watched(world))
    before = await loop.run(30)
    world.prometheus.samples.clear()
    world.scraping = False
    away = await loop.run(40)
    assert (away.verdict, away.reason) == (Verdict.HOLD, "MetricsUnavailable")
    world.scraping = True
    back = await loop.run(30)
    assert back.verdict is not Verdict.ROLL_BACK
    assert before.canary_requests < back.canary_requests < before.canary_requests + 1000
    assert back.canary_bad == 0


async def test_a_canary_that_nobody_counts_is_withdrawn() -> None:
    world = World(steady())
    world.run(300)
    loop = Loop(world, watched(world))
    await loop.run(30)
    world.versions = {"m-1"}
    assert (await loop.run(110)).verdict is Verdict.HOLD
    gone = await loop.run(30)
    assert gone.verdict is Verdict.WITHDRAW
    assert "does not count against the model" in gone.message
    assert loop.changes[-1] == "m"


async def test_while_all_samples_are_missing_nobody_is_withdrawn() -> None:
    world = World(steady())
    world.run(300)
    loop = Loop(world, watched(world))
    await loop.run(30)
    world.scraping = False
    assert (await loop.run(300)).verdict is Verdict.HOLD


async def test_what_touches_a_disturbance_is_counted_for_neither() -> None:
    def failing(time: float) -> dict[tuple[str, str], float]:
        code = "5" if START + 345 < time < START + 360 else "2"
        return {("m-1", "2"): 90.0, ("m-2", code): 10.0}

    world = World(failing)
    world.run(300)
    loop = Loop(world, watched(world))
    await loop.run(44)
    loop.watched = replace(loop.watched, disturbed=((world.time, math.inf),))
    loop.analysis.track(loop.watched)
    during = await loop.run(30)
    loop.watched = replace(loop.watched, disturbed=((START + 344, START + 362),))
    loop.analysis.track(loop.watched)
    after = await loop.run(60)
    assert (during.canary_bad, after.canary_bad) == (0, 0)
    assert after.verdict is not Verdict.ROLL_BACK
    assert after.canary_requests > during.canary_requests + 300
