"""The strategy that never has both: the old revision ends before the new one starts."""

from __future__ import annotations

from typing import Any

from perennial.ports.kinds import POD
from tests.unit.controllers.modeldeployment.objects import NAMESPACE, outcome
from tests.unit.controllers.modeldeployment.test_strategies import reconciling, released
from tests.unit.controllers.modeldeployment.test_withdraw import service_of
from tests.unit.controllers.modeldeployment.world import World


async def recreated(**spec: Any) -> World:
    return await released({"recreate": {}}, **spec)


async def test_the_old_one_ends_before_the_new_one_starts() -> None:
    world = await recreated()
    old = await service_of(world, "stable")
    for _ in range(16):
        before = len(world.kube.writes)
        await world.step()
        services = await world.services()
        assert len(services) <= 1, "never both"
        if old in services:
            assert (await world.route()).services <= {old}
        if len(world.kube.writes) == before and old not in services:
            break
        await world.play()
    assert await world.weights() == {2: 100}
    status = await world.status()
    assert "previous" not in status
    assert status["history"][0]["outcome"] == "Promoted"
    assert (await world.conditions())["UpToDate"] == ("True", "TargetServes")


async def test_the_old_one_leaves_the_route_before_its_pods_end() -> None:
    world = await recreated()
    old = await service_of(world, "stable")
    await world.step()
    assert (await world.route()).weights == {}
    assert old in (await world.route()).tokens, "its keeper rule stays until the gateway has taken that"
    assert old in await world.services()
    await world.step()
    assert (await world.conditions())["Ready"] == ("False", "Starting")


async def test_nothing_starts_while_a_pod_of_the_old_one_is_left() -> None:
    world = await recreated()
    old = await service_of(world, "stable")
    pod = await world.kube.get(POD, NAMESPACE, f"{old}-pod")
    assert pod is not None
    for _ in range(4):
        await world.step()
        await world.route_taken()
    assert await world.services() == []
    assert await reconciling(world) == "Preparing"
    assert "ends first" in await world.says("Reconciling")


async def test_a_new_one_that_fails_brings_the_old_one_back() -> None:
    world = await recreated()
    for _ in range(9):
        await world.step()
        await world.serve()
        await world.route_taken()
    await world.preflight("Failed", said=outcome("row 3: 0.1, not 0.2"))
    await world.step()
    assert (await world.conditions())["Stalled"] == ("True", "RolledBack")
    await world.play()
    await world.settle(12)
    assert await world.weights() == {1: 100}
    assert (await world.conditions())["Ready"] == ("True", "Serving")


async def test_a_recreation_that_is_called_off_brings_the_old_one_back() -> None:
    world = await recreated()
    for _ in range(3):
        await world.step()
        await world.play()
    await world.change(version=1)
    await world.settle(14)
    assert await world.weights() == {1: 100}
    assert (await world.conditions())["UpToDate"] == ("True", "TargetServes")


async def test_a_pause_before_it_leaves_the_old_one_alone() -> None:
    world = await recreated(paused=True)
    await world.settle()
    assert await world.weights() == {1: 100}


async def test_a_crash_anywhere_ends_the_same() -> None:
    world = await recreated()
    for _ in range(30):
        await world.step()
        await world.play()
        world.start()
    assert await world.weights() == {2: 100}
