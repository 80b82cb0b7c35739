"""After a promotion: a share stays on the old revision, then none; what turns out bad goes back in one write."""

from __future__ import annotations

from typing import Any

import pytest

from perennial.ports.kinds import POD
from perennial.ports.kube import Conflict
from perennial.rollout import HoldReason, Verdict
from tests.unit.controllers.modeldeployment.objects import NAMESPACE, version
from tests.unit.controllers.modeldeployment.test_withdraw import DELETED, ENDED, pod_is, service_of
from tests.unit.controllers.modeldeployment.world import World

BAKE = 2  # the step after 10 and 50
BAKING = {"Ready": ("True", "Serving"), "UpToDate": ("True", "Baking"), "GatewayReady": ("True", "RouteAccepted")}


async def baking(**spec: Any) -> World:
    """Version 2 was promoted, and version 1 keeps 2 % of the requests."""
    world = World(version(1), bake={"seconds": 600}, **spec)
    await world.in_traffic()
    world.analysis.says(Verdict.ADVANCE)
    await world.until_followed(1)
    world.analysis.says(Verdict.PROMOTE, checkpoint="the evidence")
    await world.settle()
    return world


async def route_writes(world: World) -> list[dict[int, int]]:
    """The weights of every write of the route after this is called."""
    return [write.body for write in world.kube.writes if write.kind == "HTTPRoute"]


async def test_the_old_revision_keeps_a_share_until_the_bake_is_over() -> None:
    world = await baking()
    assert await world.weights() == {1: 2, 2: 98}
    assert await world.conditions() == BAKING
    previous = (await world.status())["previous"]
    assert previous["weight"] == 2
    assert "98" not in await world.says("UpToDate")
    assert "2 % of the requests stay on version 1" in await world.says("UpToDate")
    world.clock.advance(601)
    assert await world.step() == pytest.approx(599, abs=2)
    assert await world.weights() == {1: 0, 2: 100}
    assert (await world.conditions())["UpToDate"] == ("True", "TargetServes")
    assert (await world.events())[-1] == "Baked"
    await world.play()
    await world.settle()
    world.clock.advance(600)
    await world.settle()
    assert await world.weights() == {2: 100}
    assert len(await world.services()) == 1


async def test_the_evidence_goes_on_through_the_bake() -> None:
    world = await baking()
    watched = world.analysis.watched
    assert watched is not None
    stable, previous = (await world.status())["stable"], (await world.status())["previous"]
    assert (watched.step, watched.plan.holdback, watched.plan.bake_seconds) == (BAKE, 2, 600)
    assert (watched.canary, watched.stable) == (stable["inferenceService"], previous["inferenceService"])
    assert watched.revision.endswith(f"{stable['revision']}/{previous['started']}")
    assert watched.checkpoint == "the evidence"
    world.analysis.says(Verdict.HOLD, reason=HoldReason.BAKING.value)
    await world.step()
    analysis = (await world.status())["analysis"]
    assert (analysis["verdict"], analysis["reason"]) == ("Hold", "Baking")
    assert (await world.conditions())["UpToDate"] == ("True", "Baking")


async def test_what_is_followed_is_the_same_before_and_after_the_promotion() -> None:
    world = World(version(1), bake={"seconds": 600})
    await world.in_traffic()
    before = world.analysis.watched
    assert before is not None
    world.analysis.says(Verdict.ADVANCE)
    await world.until_followed(1)
    world.analysis.says(Verdict.PROMOTE)
    await world.settle()
    after = world.analysis.watched
    assert after is not None
    assert (before.revision, before.plan) == (after.revision, after.plan)


async def is_rolled_back(world: World, words: str) -> None:
    assert await world.weights() == {1: 100, 2: 0}
    assert (await world.conditions())["Stalled"] == ("True", "RolledBack")
    assert words in await world.says("Stalled")
    assert (await world.outcomes())[2] == "RolledBack"
    status = await world.status()
    assert status["stable"]["version"] == 1
    assert [each["outcome"] for each in status["history"]] == ["RolledBack", "Promoted", "Deployed"]
    assert status["analysis"]["verdict"] == "RollBack"


async def test_what_turns_out_worse_is_rolled_back_in_one_write_of_the_route() -> None:
    world = await baking()
    before = len(await route_writes(world))
    world.analysis.says(Verdict.ROLL_BACK, message="It got worse.")
    await world.step()
    assert len(await route_writes(world)) == before + 1
    await is_rolled_back(world, "It got worse.")
    await world.play()
    await world.settle()
    assert await world.weights() == {1: 100}
    assert len(await world.services()) == 1
    assert (await world.conditions())["Stalled"] == ("True", "RolledBack")


async def test_what_ends_its_pods_in_the_bake_is_rolled_back() -> None:
    world = await baking()
    await world.pod(await service_of(world, "stable"), **ENDED)
    await world.step()
    await is_rolled_back(world, "failed after its promotion: its pod ended 2 times")


@pytest.mark.parametrize("spec", [{"paused": True}, {"version": 9}])
async def test_nothing_in_the_spec_is_in_the_way_of_a_rollback(spec: dict[str, Any]) -> None:
    world = await baking()
    await world.change(**spec)
    await world.step()
    world.analysis.says(Verdict.ROLL_BACK)
    await world.step()
    assert await world.weights() == {1: 100, 2: 0}


@pytest.mark.parametrize("seconds", [0, 700, 5000])
async def test_a_crash_in_the_middle_of_going_back_is_made_good_however_late(seconds: int) -> None:
    world = await baking()
    world.analysis.says(Verdict.ROLL_BACK)
    real = world.kube.apply_status

    async def conflict(*_: object, **__: object) -> None:
        raise Conflict("the object has been modified")

    world.kube.apply_status = conflict  # type: ignore[method-assign,assignment]
    with pytest.raises(Conflict):
        await world.step()
    world.kube.apply_status = real  # type: ignore[method-assign]
    world.start()
    world.clock.advance(seconds)
    await world.step()
    await is_rolled_back(world, "It says RollBack")


async def test_a_promoted_version_that_lost_its_pods_is_withdrawn_and_tried_again() -> None:
    world = await baking()
    await pod_is(world, await service_of(world, "stable"), **DELETED)
    await world.step()
    assert await world.weights() == {1: 100, 2: 0}
    assert (await world.conditions())["Reconciling"] == ("True", "Withdrawn")
    assert (await world.outcomes())[2] != "RolledBack"
    await world.play()
    await world.settle()
    world.clock.advance(31)
    world.analysis.watched = None
    await world.until_followed(0, first=True)
    assert await world.weights() == {1: 90, 2: 10}


async def test_nothing_goes_back_to_a_version_without_pods() -> None:
    world = await baking()
    world.kube.drop(POD, NAMESPACE, f"{await service_of(world, 'previous')}-pod")
    world.analysis.says(Verdict.ROLL_BACK)
    await world.step()
    assert (await world.conditions())["Reconciling"] == ("True", "StableNotReady")
    await world.serve()
    world.analysis.says(Verdict.ROLL_BACK)
    await world.step()
    assert await world.weights() == {1: 100, 2: 0}


async def test_a_held_back_version_that_lost_its_pods_gives_its_share_back() -> None:
    world = await baking()
    world.kube.drop(POD, NAMESPACE, f"{await service_of(world, 'previous')}-pod")
    await world.step()
    assert await world.weights() == {1: 0, 2: 100}
    assert (await world.conditions())["UpToDate"] == ("True", "Baking")
    await world.play()
    await world.settle()
    await world.pod(await service_of(world, "stable"), **ENDED)
    await world.step()
    assert await world.weights() == {1: 100, 2: 0}


async def test_another_version_ends_the_bake() -> None:
    world = await baking()
    world.kube.put(version(3))
    await world.step()
    assert {v: w for v, w in (await world.weights()).items() if w} == {2: 100}
    status = await world.status()
    assert (status["canary"]["version"], status["stable"]["version"]) == (3, 2)
    assert "bakeUntil" not in status["previous"]
    world.analysis.watched = None
    await world.until_followed(0, first=True)
    assert await world.weights() == {1: 0, 2: 90, 3: 10}


async def test_a_version_that_waits_for_a_pause_leaves_the_bake_alone() -> None:
    world = await baking(paused=False)
    await world.change(paused=True)
    world.kube.put(version(3))
    await world.step()
    assert await world.weights() == {1: 2, 2: 98}
    assert (await world.conditions())["Reconciling"] == ("True", "Paused")
    world.clock.advance(601)
    await world.step()
    assert await world.weights() == {1: 0, 2: 100}


async def test_a_lost_status_in_the_bake_is_rebuilt() -> None:
    world = await baking()
    before = await world.status()
    await world.wipe()
    world.start()
    await world.step()
    after = await world.status()
    assert after["stable"] == before["stable"]
    assert after["previous"]["weight"] == 2
    assert after["previous"]["bakeUntil"] == before["previous"]["bakeUntil"]
    assert await world.weights() == {1: 2, 2: 98}


@pytest.mark.parametrize(
    ("bake", "weights", "reason"),
    [
        ({"seconds": 600, "holdbackPercent": 0}, {1: 0, 2: 100}, "Baking"),
        ({"seconds": 600, "holdbackPercent": 10}, {1: 10, 2: 90}, "Baking"),
        ({"seconds": 0, "holdbackPercent": 10}, {1: 0, 2: 100}, "TargetServes"),
    ],
)
async def test_other_shares(bake: dict[str, int], weights: dict[int, int], reason: str) -> None:
    world = World(version(1), bake=bake)
    await world.in_traffic()
    world.analysis.says(Verdict.ADVANCE)
    await world.until_followed(1)
    world.analysis.says(Verdict.PROMOTE)
    await world.settle()
    assert await world.weights() == weights
    assert (await world.conditions())["UpToDate"] == ("True", reason)


async def test_the_old_version_never_keeps_more_than_it_had() -> None:
    steps = {"canary": {"steps": [{"weight": 10}, {"weight": 99}]}}
    world = World(version(1), bake={"seconds": 600, "holdbackPercent": 20}, strategy=steps)
    await world.in_traffic()
    world.analysis.says(Verdict.ADVANCE)
    await world.until_followed(1)
    assert await world.weights() == {1: 1, 2: 99}
    world.analysis.says(Verdict.PROMOTE)
    await world.settle()
    assert await world.weights() == {1: 1, 2: 99}
    assert (await world.status())["stable"]["version"] == 2


async def test_the_first_version_does_not_bake() -> None:
    world = World(version(1), bake={"seconds": 600})
    await world.serving()
    assert (await world.conditions())["UpToDate"] == ("True", "TargetServes")


async def test_a_bake_writes_nothing_while_nothing_changes() -> None:
    world = await baking()
    before = len(world.kube.writes)
    for _ in range(5):
        world.clock.advance(20)
        await world.step()
    assert len(world.kube.writes) == before
