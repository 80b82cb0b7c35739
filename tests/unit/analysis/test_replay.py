"""Batches and changes of weight; restarts replay to the same number."""

from __future__ import annotations

from dataclasses import replace

import pytest

from perennial.core import progress
from perennial.core.analysis import Reading, Watched
from perennial.rollout import Verdict

from .world import GRID, START, Loop, World, gateway, steady, watched


def test_what_straddles_a_change_is_decided_by_time_alone() -> None:
    assert [GRID.straddles(start, start + 5, 12.5, 12.5) for start in (0, 5, 10, 15, 20)] == [
        False,
        False,
        True,
        True,
        False,
    ]


async def test_batches_around_a_change_are_left_out_for_both() -> None:
    def errors_at_the_change(time: float) -> dict[tuple[str, str], float]:
        code = "5" if START + 340 < time < START + 341.5 else "2"
        return {("m-1", "2"): 90.0, ("m-2", code): 10.0}

    world = World(errors_at_the_change)
    world.run(300)
    loop = Loop(world, watched(world))
    before = await loop.run(40)
    loop.enter(1)
    after = await loop.run(40)
    assert after.canary_bad == 0
    assert after.canary_requests < before.canary_requests + 400 - 50


async def test_nothing_is_counted_while_the_weights_are_being_written() -> None:
    world = World(steady())
    world.run(300)
    loop = Loop(world, watched(world))
    before = await loop.run(40)
    loop.analysis.changing("m")
    world.traffic = lambda _: {("m-1", "2"): 50.0, ("m-2", "5"): 50.0}
    assert await loop.run(30) == before
    loop.enter(1)
    world.traffic = steady()
    after = await loop.run(30)
    assert after.at > before.at
    assert after.step == 1


async def test_an_increment_across_a_change_is_left_out() -> None:
    world = World(steady())
    world.run(300)
    loop = Loop(world, watched(world))
    before = await loop.run(30)
    world.scraping = False
    world.run(10)
    loop.enter(1)
    world.traffic = lambda _: {("m-1", "2"): 50.0, ("m-2", "5"): 50.0}
    world.run(20)
    world.traffic = steady()
    world.scraping = True
    after = await loop.run(20)
    assert after.canary_bad == 0, "nobody knows which of these errors were at which weight"
    assert after.canary_requests < before.canary_requests + 300


def wavy(time: float) -> dict[tuple[str, str], float]:
    """Rates that differ at every poll."""
    wave = time % 17 / 17
    return {("m-1", "2"): 80 + wave, ("m-1", "5"): wave, ("m-2", "2"): 9 + wave, ("m-2", "5"): 0.2 * wave}


def begun(world: World, rollout: Watched[str], now: float) -> progress.Progress:
    """Where a new operator begins with it."""
    question = gateway(world.prometheus).by_name[""].question(rollout.metrics)
    return progress.begin(rollout, GRID, question, now)


async def recorded(stop_after: float, *, again: bool) -> Reading:
    """Two steps of a rollout; with `again` the operator is killed after `stop_after` seconds and starts 30 s later."""
    world = World(wavy)
    world.run(300)
    loop = Loop(world, watched(world))
    reading = await loop.run(stop_after)
    stored = reading.checkpoint
    if stop_after < 60:
        world_runs = 60 - stop_after
        reading = await loop.run(world_runs)
        stored = stored if again else reading.checkpoint
    loop.enter(1)
    if again:
        world.run(30)
        loop = Loop(world, replace(loop.watched, checkpoint=stored))
        return await loop.run(30)
    return await loop.run(60)


@pytest.mark.parametrize("stop_after", [4, 5, 23, 31, 44, 60])
async def test_a_restart_arrives_at_the_same_number(stop_after: float) -> None:
    """The checkpoint may be older than the last change of weight, or not there yet... then its step tells."""
    straight = await recorded(stop_after, again=False)
    restarted = await recorded(stop_after, again=True)
    if stop_after < 10:
        # Killed before anything was stored: evidence begins at the present weight.
        assert restarted.canary_requests < straight.canary_requests
        return
    assert restarted.evidence_rollback == pytest.approx(straight.evidence_rollback, abs=1e-9)
    assert restarted.evidence_advance == pytest.approx(straight.evidence_advance, abs=1e-9)
    assert restarted.canary_requests == straight.canary_requests
    assert restarted.checkpoint == straight.checkpoint


async def test_a_restart_in_the_first_step_without_a_checkpoint_replays_from_its_beginning() -> None:
    world = World(wavy)
    world.run(300)
    loop = Loop(world, watched(world))
    straight = await loop.run(40)
    restarted = await Loop(world, loop.watched).catch_up()
    assert replace(restarted, expected_seconds=None) == replace(straight, expected_seconds=None)


async def test_polls_that_fail_or_come_twice_change_nothing() -> None:
    world = World(wavy)
    world.run(300)
    loop, twin = Loop(world, watched(world)), Loop(world, watched(world))
    for seconds in (3, 20, 1, 41, 7, 0, 13):
        reading = await loop.run(seconds)
        reading = await loop.catch_up()
    twins = await twin.catch_up()
    assert replace(twins, expected_seconds=None) == replace(reading, expected_seconds=None)


def test_steps_that_nobody_recorded_are_left_out() -> None:
    world = World(wavy)
    base = watched(world)
    found = begun(world, base, START)
    assert found.state is None
    assert found.position == GRID.floor(START)


async def test_a_checkpoint_two_steps_old_goes_on_from_the_last_change() -> None:
    world = World(wavy)
    world.run(300)
    loop = Loop(world, watched(world))
    stored = (await loop.run(40)).checkpoint
    loop.enter(1)
    await loop.run(40)
    loop.enter(2)
    found = begun(world, replace(loop.watched, checkpoint=stored), world.time)
    assert found.state is not None
    assert found.position == GRID.floor(world.time)


async def test_a_checkpoint_of_another_revision_is_not_used() -> None:
    world = World(steady(canary_bad=10.0))
    world.run(300)
    loop = Loop(world, watched(world))
    reading = await loop.run(20)
    assert reading.verdict is Verdict.ROLL_BACK
    other = replace(loop.watched, revision="r3", checkpoint=reading.checkpoint)
    assert begun(world, other, world.time).state is None


async def test_an_hour_is_caught_up_in_pieces() -> None:
    world = World(wavy)
    world.run(300)
    loop = Loop(world, watched(world))
    await loop.run(20)
    world.run(1200)
    world.prometheus.queries.clear()
    assert await loop.analysis.poll()
    await loop.catch_up()
    ranges = [int(query.rsplit("[", 1)[1].rstrip("s]")) for query, _ in world.prometheus.queries]
    assert max(ranges) <= 360
    assert len(ranges) == 4


async def test_what_was_good_some_time_ago_is_no_reason_to_move_now() -> None:
    world = World(steady())
    world.run(300)
    loop = Loop(world, watched(world))
    world.run(600)
    world.traffic = steady(canary_bad=10.0)
    world.run(60)
    verdicts = []
    while await loop.analysis.poll():
        verdicts.append(loop.analysis.read("m"))
    assert verdicts == [None] * 3
    assert (await loop.catch_up()).verdict is Verdict.ROLL_BACK
