"""Each strategy against a played cluster: what the route says, what is waited for, and how it goes back."""

from __future__ import annotations

from typing import Any

import pytest

from perennial.core.analysis_types import NOT_ROUTED
from perennial.ports.kinds import HTTP_ROUTE
from perennial.rollout import Verdict
from tests.unit.controllers.modeldeployment.objects import NAME, NAMESPACE, version
from tests.unit.controllers.modeldeployment.test_withdraw import DELETED, ENDED, pod_is, service_of
from tests.unit.controllers.modeldeployment.world import World

STEPS = [{"weight": 10}, {"weight": 50}]


async def released(strategy: dict[str, Any], **spec: Any) -> World:
    """Version 1 serves and version 2 is approved."""
    world = World(version(1), strategy=strategy, **spec)
    await world.serving()
    world.kube.put(version(2))
    return world


async def reconciling(world: World) -> str:
    return (await world.conditions()).get("Reconciling", ("", ""))[1]


async def until(world: World, reason: str) -> None:
    """Passes until a reason of Reconciling; evidence to begin is given."""
    for _ in range(12):
        await world.step()
        if await reconciling(world) == reason:
            return
        await world.play()
        if world.analysis.watched and world.analysis.watched.step == NOT_ROUTED:
            world.analysis.says(Verdict.HOLD)
    raise AssertionError(f"never {reason}: {await world.conditions()}")


async def mirrored(world: World) -> tuple[str, int] | None:
    return (await world.route()).mirror


async def advance(world: World, step: int, revision: str = "") -> None:
    revision = revision or (await world.status())["canary"]["revision"]
    await world.change(rollout={"advance": f"{revision}/{step}"})


# Blue-green.


async def test_blue_green_previews_flips_once_and_keeps_the_old_one_warm() -> None:
    world = await released({"blueGreen": {"previewSeconds": 300}}, bake={"seconds": 60})
    await until(world, "Preview")
    await world.play()
    await world.step()
    assert "is on preview until" in await world.says("Reconciling")
    assert await world.weights() == {1: 100, 2: 0}
    assert world.analysis.watched is None, "nothing is judged"
    world.clock.advance(299)
    await world.step()
    assert (await world.status())["stable"]["version"] == 1
    world.clock.advance(2)
    before = len([each for each in world.kube.writes if each.kind == "HTTPRoute"])
    await world.settle()
    assert await world.weights() == {1: 0, 2: 100}
    assert len([each for each in world.kube.writes if each.kind == "HTTPRoute"]) == before + 1
    assert (await world.conditions())["UpToDate"] == ("True", "Baking")
    assert "without evidence" in (await world.status())["history"][0]["message"]
    await world.change(version=1)
    await world.step()
    assert await world.weights() == {1: 100, 2: 0}


async def test_blue_green_without_a_preview_flips_after_the_preflight() -> None:
    world = await released({"blueGreen": {}})
    await world.settle(14)
    assert await world.weights() == {1: 0, 2: 100}


@pytest.mark.parametrize("container", [ENDED])
async def test_a_model_that_ends_on_preview_is_rolled_back(container: dict[str, Any]) -> None:
    world = await released({"blueGreen": {"previewSeconds": 300}})
    await until(world, "Preview")
    await world.pod(await service_of(world), **container)
    await world.step()
    assert (await world.conditions())["Stalled"] == ("True", "RolledBack")


async def test_a_preview_that_loses_its_pod_is_withdrawn() -> None:
    world = await released({"blueGreen": {"previewSeconds": 300}})
    await until(world, "Preview")
    await pod_is(world, await service_of(world), **DELETED)
    await world.step()
    assert await reconciling(world) == "Withdrawn"


async def test_a_pause_holds_the_flip() -> None:
    world = await released({"blueGreen": {"previewSeconds": 300}})
    await until(world, "Preview")
    await world.change(paused=True)
    world.clock.advance(400)
    await world.step()
    assert await reconciling(world) == "Paused"
    await world.change(paused=False)
    await world.settle()
    assert await world.weights() == {1: 0, 2: 100}


# Shadow.


async def shadowed(**more: Any) -> World:
    world = await released({"shadow": {"percent": 40, **more}}, bake={"seconds": 600})
    await until(world, "Stepping")
    await world.play()
    await world.step()
    await world.play()
    await world.step()
    return world


async def test_a_shadow_gets_copies_and_no_request() -> None:
    world = await shadowed()
    service = await service_of(world)
    assert await mirrored(world) == (service, 40)
    assert await world.weights() == {1: 100, 2: 0}
    route = await world.kube.get(HTTP_ROUTE, NAMESPACE, NAME)
    assert route is not None
    split = next(rule for rule in route["spec"]["rules"] if rule["name"] == "split")
    assert all("filters" not in backend for backend in split["backendRefs"]), "it would not be merged"
    assert split["filters"][0]["requestMirror"]["backendRef"]["name"] == f"{service}-predictor"
    watched = world.analysis.watched
    assert watched is not None
    assert (watched.step, watched.plan.weights) == (0, (40,))
    assert watched.canary == f"{NAME}.mirror", "the gateway counts copies by route, not by Service"
    assert "copies of 40 %" in await world.says("Reconciling")


async def test_a_shadow_that_is_as_good_is_promoted_and_bakes() -> None:
    world = await shadowed()
    world.analysis.says(Verdict.PROMOTE)
    await world.settle()
    assert await world.weights() == {1: 2, 2: 98}
    assert await mirrored(world) is None


async def test_a_shadow_that_is_worse_is_rolled_back_without_a_user_having_seen_it() -> None:
    world = await shadowed()
    world.analysis.says(Verdict.ROLL_BACK)
    await world.step()
    assert await mirrored(world) is None
    assert await world.weights() == {1: 100, 2: 0}
    assert (await world.conditions())["Stalled"] == ("True", "RolledBack")


async def test_a_shadow_behind_a_gate_is_held_for_a_person() -> None:
    world = await shadowed(gate="Manual")
    world.analysis.says(Verdict.PROMOTE)
    await world.step()
    assert await reconciling(world) == "AwaitingPromotion"
    await advance(world, 0)
    world.analysis.says(Verdict.PROMOTE)
    await world.settle()
    assert await world.weights() == {1: 2, 2: 98}


async def test_a_share_of_all_requests_can_be_copied() -> None:
    world = await released({"shadow": {"percent": 100}})
    await until(world, "Stepping")
    await world.play()
    await world.step()
    watched = world.analysis.watched
    assert watched is not None
    assert watched.plan.weights == (99,)


async def test_another_strategy_in_the_middle_takes_the_copies_away() -> None:
    world = await shadowed()
    await world.change(strategy={"canary": {"steps": STEPS}})
    world.analysis.watched = None
    await world.until_followed(0)
    assert await mirrored(world) is None
    assert await world.weights() == {1: 90, 2: 10}
    await world.change(strategy={"blueGreen": {}})
    await world.settle(12)
    assert await world.weights() == {1: 0, 2: 100}
