"""Going back: one write of the route while the previous revision is kept, a rollout of its own later."""

from __future__ import annotations

import pytest

from perennial.ports.kinds import POD
from perennial.rollout import Verdict
from tests.unit.controllers.modeldeployment.objects import NAMESPACE, version
from tests.unit.controllers.modeldeployment.test_bake import baking, route_writes
from tests.unit.controllers.modeldeployment.test_withdraw import service_of
from tests.unit.controllers.modeldeployment.world import World


async def revision(world: World, role: str = "previous") -> str:
    return str((await world.status())[role]["revision"])


async def kept(seconds: int = 0) -> World:
    """Version 2 took over and version 1 is kept ready; in the bake, or after it."""
    world = await baking()
    if seconds:
        world.clock.advance(seconds)
        await world.settle()
    return world


@pytest.mark.parametrize("seconds", [0, 700])
async def test_the_previous_version_pinned_is_one_write_of_the_route(seconds: int) -> None:
    world = await kept(seconds)
    before = len(await route_writes(world))
    await world.change(version=1)
    await world.step()
    assert await world.weights() == {1: 100, 2: 0}
    await world.play()
    await world.settle()
    assert len(await route_writes(world)) == before + 1
    status = await world.status()
    assert (status["stable"]["version"], status["previous"]["version"]) == (1, 2)
    assert status["history"][0]["outcome"] == "Promoted"
    assert (await world.conditions())["UpToDate"] == ("True", "TargetServes")
    assert (await world.outcomes())[2] != "RolledBack"


async def test_forward_again_is_one_write_too() -> None:
    world = await kept()
    await world.change(version=1)
    await world.settle()
    before = len(await route_writes(world))
    await world.change(version=2)
    await world.settle()
    assert await world.weights() == {1: 0, 2: 100}
    assert len(await route_writes(world)) == before + 1


@pytest.mark.parametrize("seconds", [0, 700])
async def test_the_undo_by_hand_is_one_write_and_remembered(seconds: int) -> None:
    world = await kept(seconds)
    before = len(await route_writes(world))
    await world.change(rollout={"promote": await revision(world)})
    await world.step()
    assert await world.weights() == {1: 100, 2: 0}
    assert len(await route_writes(world)) == before + 1
    await world.play()
    await world.settle()
    assert (await world.conditions())["Stalled"] == ("True", "RolledBack")
    assert "undone by hand" in await world.says("Stalled")
    assert (await world.outcomes())[2] == "RolledBack"
    assert await world.weights() == {1: 100}
    assert len(await world.services()) == 1
    assert [each["outcome"] for each in (await world.status())["history"]] == ["Promoted", "Promoted", "Deployed"]


async def test_an_undo_is_done_once() -> None:
    world = await kept()
    await world.change(rollout={"promote": await revision(world)})
    await world.settle()
    await world.change(rollout={"promote": await revision(world, "stable"), "retry": "again"})
    world.analysis.watched = None
    await world.until_followed(0, first=True)
    world.analysis.says(Verdict.ADVANCE)
    await world.until_followed(1)
    world.analysis.says(Verdict.PROMOTE)
    await world.settle()
    assert await world.weights() == {1: 2, 2: 98}, "the word of before does not undo it again"


async def test_the_undo_waits_for_a_pod_of_the_previous_version() -> None:
    world = await kept(700)
    world.kube.drop(POD, NAMESPACE, f"{await service_of(world, 'previous')}-pod")
    await world.change(version=1)
    await world.step()
    assert (await world.conditions())["Reconciling"] == ("True", "StableNotReady")
    assert await world.weights() == {1: 0, 2: 100}
    await world.serve()
    await world.settle()
    assert await world.weights() == {1: 100, 2: 0}


async def test_back_to_the_previous_version_in_the_middle_of_another_rollout() -> None:
    world = await kept()
    world.kube.put(version(3))
    world.analysis.watched = None
    await world.until_followed(0, first=True)
    await world.change(version=1)
    await world.step()
    assert await world.weights() == {1: 100, 2: 0, 3: 0}
    await world.play()
    await world.settle()
    assert len(await world.services()) == 2
    assert (await world.outcomes())[3] == "Superseded"


async def test_an_earlier_version_that_is_gone_is_brought_back_by_a_rollout_without_evidence() -> None:
    world = await kept()
    first = await revision(world)
    world.clock.advance(601)
    await world.settle()
    world.clock.advance(601)
    await world.settle()
    assert len(await world.services()) == 1
    await world.change(rollout={"promote": first})
    await world.settle(12)
    assert (await world.status())["stable"]["version"] == 1
    assert (await world.conditions())["Stalled"] == ("True", "RolledBack")
    assert "undone by hand" in await world.says("Stalled")
    assert (await world.outcomes())[2] == "RolledBack"


@pytest.mark.parametrize("why", ["rejected", "never proven"])
async def test_only_what_was_proven_and_may_serve_is_brought_back(why: str) -> None:
    world = World(version(1))
    if why == "never proven":
        await world.in_traffic()
        wanted = await revision(world, "canary")
        await world.change(version=1)
    else:
        world = await kept()
        wanted = await revision(world)
        for _ in range(2):
            world.clock.advance(601)
            await world.settle()
        world.kube.put(version(1, decision="Rejected"))
    await world.settle()
    await world.change(rollout={"promote": wanted})
    await world.settle()
    assert "canary" not in await world.status()


async def test_pinning_the_stable_version_ends_a_rollout_at_once() -> None:
    world = World(version(1))
    await world.in_traffic()
    before = len(await route_writes(world))
    await world.change(version=1)
    await world.step()
    assert await world.weights() == {1: 100, 2: 0}
    assert len(await route_writes(world)) == before + 1
