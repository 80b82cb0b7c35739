"""Prometheus is the log: an operator that is killed at any poll arrives at the same number, to the last bit.

The rollout that is recorded has steps and a bake, two metrics, a gateway process that restarts and one that comes and
goes, missed scrapes, a time without any, and pods that are disturbed.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

import pytest

from perennial.api.modeldeployment_status import AnalysisStatus
from perennial.controllers.modeldeployment.numbers import latest
from perennial.core.analysis import Analysis, Reading, Watched
from perennial.core.analysis_types import Counted
from perennial.rollout import errors, metric

from .world import GRID, PLAN, START, Loop, World, at, gateway, watched

BEGIN, END = START + 300, START + 800
WEIGHTS = {BEGIN + 90.0: 1, BEGIN + 180.0: 2, BEGIN + 250.0: 3, BEGIN + 330.0: 4}
"""When which step begins; 4 is the bake."""


def wavy(time: float) -> dict[tuple[str, str], float]:
    """Rates that differ at every second."""
    wave, other = time % 17 / 17, time % 29 / 29
    return {
        ("m-1", "2"): 60 + wave,
        ("m-1", "5"): wave,
        ("m-1", "4"): other,
        ("m-2", "2"): 9 + wave,
        ("m-2", "5"): 0.2 * wave,
    }


def disturb(world: World) -> None:
    """What happens to the gateway and to what scrapes it."""
    since = world.time - BEGIN
    world.gateways = ("envoy-a", "envoy-b") if 40 <= since < 200 or since >= 300 else ("envoy-a",)
    if since == 120:
        world.born["envoy-a"] = dict(world.counters)
    if since == 300:
        world.born["envoy-b"] = dict(world.counters)
    world.scraping = not (60 <= since < 72 or 210 <= since < 290) and int(since) % 26 != 0
    world.slow = {"m-1": 0.02 + since % 13 / 400, "m-2": 0.02 + since % 7 / 300}


def pods(time: float) -> tuple[tuple[float, float], ...]:
    """When pods were disturbed, as the controller knows it at a time."""
    first, last = BEGIN + 140.0, BEGIN + 152.0
    return () if time < first else ((first, last if time >= last else math.inf),)


@dataclass(frozen=True)
class Poll:
    """One poll of the recorded rollout: what was asked, what was read, what status had stored by then."""

    time: float
    watched: Watched[str]
    reading: Reading
    stored: str


@dataclass
class Clock:
    """Stands at a time."""

    time: float

    def now(self) -> datetime:
        return at(self.time)


@dataclass(frozen=True)
class Recorded:
    """All of it."""

    world: World
    polls: list[Poll]


async def record() -> Recorded:
    """The rollout as one operator follows it from its beginning to its end."""
    world = World(wavy, slow={"m-1": 0.02, "m-2": 0.03})
    world.run(300)
    plan = replace(PLAN, metrics=(*errors(0.01), metric("latency", 0.02)), bake_seconds=600, holdback=10)
    loop = Loop(world, watched(world, plan=plan, metrics=(Counted("errors"), Counted("latency"))))
    polls, status = list[Poll](), None
    while world.time < END:
        disturb(world)
        world.run(1.0)
        if world.time in WEIGHTS:
            loop.enter(WEIGHTS[world.time])
        loop.watched = replace(loop.watched, disturbed=pods(world.time))
        loop.analysis.track(loop.watched)
        if (world.time - GRID.scrape_timeout_seconds - 1) % GRID.poll_seconds == 0:
            reading = await loop.catch_up()
            status = latest(status, reading, world.now())
            polls.append(Poll(world.time, loop.watched, reading, _stored(status)))
    return Recorded(world, polls)


def _stored(status: AnalysisStatus | None) -> str:
    return (status.checkpoint if status else None) or ""


@pytest.fixture(scope="module")
def recorded() -> Recorded:
    return asyncio.run(record())


async def follow(recorded: Recorded, polls: list[Poll], checkpoint: str) -> list[Reading]:
    """Another operator, which begins at the first of `polls` with what was stored."""
    clock = Clock(polls[0].time)
    analysis: Analysis[str] = Analysis(gateway(recorded.world.prometheus), clock, GRID, lambda _: None)
    readings = []
    for poll in polls:
        clock.time = poll.time
        analysis.track(replace(poll.watched, checkpoint=checkpoint))
        while await analysis.poll():
            pass
        reading = analysis.read("m")
        assert reading is not None
        readings.append(reading)
    return readings


def same(one: Reading, other: Reading) -> None:
    """The stored text is all of the evidence, exactly."""
    assert one.evidence_rollback == pytest.approx(other.evidence_rollback, abs=1e-9)
    assert one.evidence_advance == pytest.approx(other.evidence_advance, abs=1e-9)
    assert replace(one, expected_seconds=None, decidable=None) == replace(other, expected_seconds=None, decidable=None)


async def test_what_was_recorded_has_everything_in_it(recorded: Recorded) -> None:
    last = recorded.polls[-1].reading
    assert {poll.watched.step for poll in recorded.polls} == {0, 1, 2, 3, 4}
    assert "MetricsUnavailable" in {poll.reading.reason for poll in recorded.polls}
    assert [each.canary_requests > 2000 and each.canary_bad > 10 for each in last.metrics] == [True, True]
    assert len({poll.stored for poll in recorded.polls}) > 5
    assert max(len(poll.stored) for poll in recorded.polls) < 2048


async def test_killed_at_every_poll(recorded: Recorded) -> None:
    polls = recorded.polls
    for index in range(len(polls) - 1):
        # What the last write of status before the kill had in it; nothing before the first one.
        stored = polls[index - 1].stored if index else ""
        again = await follow(recorded, polls[index : index + 3], stored)
        for found, poll in zip(again, polls[index:], strict=False):
            same(found, poll.reading)


@pytest.mark.parametrize(
    "times",
    [lambda _: 2, lambda seed: random.Random(seed).choice((0, 0, 1, 3))],
    ids=["doubled", "missed"],
)
async def test_polls_that_come_twice_or_not_at_all(recorded: Recorded, times: Callable[[int], int]) -> None:
    polls = recorded.polls
    some = [poll for index, poll in enumerate(polls[:-1]) for _ in range(times(index))] + [polls[-1]]
    steps = [poll.watched.step for poll in some]
    assert sorted(set(steps)) == [0, 1, 2, 3, 4]
    same((await follow(recorded, some, ""))[-1], polls[-1].reading)


async def test_another_version_of_the_engine_begins_anew_at_the_present_weight(
    recorded: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    poll = recorded.polls[40]
    monkeypatch.setattr("perennial.rollout.checkpoint.ENGINE_VERSION", "another")
    (found,) = await follow(recorded, [poll], poll.stored)
    assert found.step == poll.watched.step
    assert 0 < found.canary_requests < poll.reading.canary_requests / 2
