"""`spec.paused`: what waits, what goes on, and what is said."""

from __future__ import annotations

import pytest

from perennial.ports.kinds import POD
from perennial.rollout import Verdict
from tests.unit.controllers.modeldeployment.objects import NAMESPACE, version
from tests.unit.controllers.modeldeployment.world import World

STEADY = {
    "Ready": ("True", "Serving"),
    "UpToDate": ("True", "TargetServes"),
    "GatewayReady": ("True", "RouteAccepted"),
}
WAITING = {**STEADY, "UpToDate": ("False", "RollingOut"), "Reconciling": ("True", "Paused")}


async def paused_in_traffic() -> World:
    world = World(version(1))
    await world.in_traffic()
    await world.change(paused=True)
    await world.step()
    return world


async def test_the_first_version_starts_though_paused() -> None:
    world = World(version(1), paused=True)
    await world.serving()
    assert await world.conditions() == STEADY


async def test_no_rollout_begins_while_paused_and_it_begins_afterwards() -> None:
    world = World(version(1), paused=True)
    await world.serving()
    world.kube.put(version(2))
    await world.settle()
    assert len(await world.services()) == 1
    assert "canary" not in await world.status()
    assert await world.conditions() == WAITING
    assert "Set it to false to begin the rollout" in await world.says("Reconciling")
    assert await world.step() is None, "nothing is under way that would have to be looked at"
    await world.change(paused=False)
    await world.step()
    assert (await world.status())["canary"]["version"] == 2


async def test_nothing_is_said_while_nothing_waits() -> None:
    world = World(version(1))
    await world.serving()
    await world.change(paused=True)
    before = await world.events()
    await world.settle()
    assert await world.conditions() == STEADY
    assert await world.events() == before


@pytest.mark.parametrize("verdict", [Verdict.HOLD, Verdict.ADVANCE, Verdict.PROMOTE])
async def test_the_weight_stays_whatever_speaks_for_the_canary(verdict: Verdict) -> None:
    world = await paused_in_traffic()
    world.analysis.says(verdict)
    await world.settle()
    assert await world.weights() == {1: 90, 2: 10}
    assert await world.conditions() == WAITING
    revision = (await world.status())["canary"]["revision"]
    assert await world.says("Reconciling") == (
        "Version 2 stays at 10 % of requests: spec.paused is true. Set it to false to go on, or name "
        f"{revision} in spec.rollout.promote or spec.rollout.reject."
    )
    assert (await world.status())["analysis"]["verdict"] == verdict, "evidence goes on being read"


async def test_what_was_shown_meanwhile_counts_as_soon_as_it_goes_on() -> None:
    world = await paused_in_traffic()
    world.analysis.says(Verdict.ADVANCE)
    await world.settle()
    await world.change(paused=False)
    await world.settle()
    assert await world.weights() == {1: 50, 2: 50}


async def test_a_pause_and_its_end_are_told_once() -> None:
    world = await paused_in_traffic()
    await world.settle()
    await world.change(paused=False)
    await world.settle()
    told = [each for each in await world.events() if each in ("Paused", "Resumed")]
    assert told == ["Paused", "Resumed"]


async def test_a_bad_canary_is_rolled_back_though_paused() -> None:
    world = await paused_in_traffic()
    world.analysis.says(Verdict.ROLL_BACK, message="It is worse.")
    await world.settle()
    assert await world.weights() == {1: 100}
    assert (await world.conditions())["Stalled"] == ("True", "RolledBack")
    assert "Reconciling" not in await world.conditions()


async def test_a_canary_that_ends_its_pods_is_rolled_back_though_paused() -> None:
    world = await paused_in_traffic()
    service = (await world.status())["canary"]["inferenceService"]
    await world.pod(service, restartCount=2, ready=False, lastState={"terminated": {"exitCode": 1}})
    await world.settle()
    assert (await world.conditions())["Stalled"] == ("True", "RolledBack")


async def test_a_step_that_was_decided_before_the_pause_reaches_the_route() -> None:
    world = World(version(1))
    await world.in_traffic()
    world.analysis.says(Verdict.ADVANCE)
    await world.step()
    await world.change(paused=True)
    await world.settle()
    assert await world.weights() == {1: 50, 2: 50}, "status said so already"
    world.analysis.says(Verdict.PROMOTE)
    await world.settle()
    assert await world.weights() == {1: 50, 2: 50}


async def test_a_promotion_that_was_decided_before_the_pause_is_finished() -> None:
    world = World(version(1))
    await world.in_traffic()
    world.analysis.says(Verdict.ADVANCE)
    await world.until_followed(1)
    world.analysis.says(Verdict.PROMOTE)
    await world.step()
    await world.change(paused=True)
    await world.settle()
    assert await world.weights() == {1: 0, 2: 100}
    assert await world.conditions() == STEADY


async def test_a_canary_that_was_begun_gets_ready_and_no_request() -> None:
    world = World(version(1))
    await world.serving()
    world.kube.put(version(2))
    await world.step()
    await world.change(paused=True)
    for _ in range(4):
        await world.play()
        world.analysis.says(Verdict.HOLD)
        await world.step()
    assert (await world.weights()).get(2, 0) == 0
    assert await world.conditions() == WAITING
    await world.change(paused=False)
    await world.settle()
    assert await world.weights() == {1: 90, 2: 10}


async def test_going_back_to_the_stable_version_works_though_paused() -> None:
    world = await paused_in_traffic()
    await world.change(version=1)
    await world.step()
    assert await world.weights() == {1: 100, 2: 0}
    await world.play()
    await world.settle()
    assert await world.conditions() == STEADY
    await world.change(version=2)
    await world.settle()
    assert await world.conditions() == WAITING, "which is a new rollout"
    assert len(await world.services()) == 1


async def test_a_newer_version_waits_for_the_pause_to_end_and_the_canary_stays() -> None:
    world = await paused_in_traffic()
    world.kube.put(version(3))
    world.analysis.says(Verdict.ADVANCE)
    await world.settle()
    assert await world.weights() == {1: 90, 2: 10}
    assert await world.conditions() == WAITING
    await world.change(paused=False)
    await world.step()
    assert await world.weights() == {1: 100, 2: 0}
    await world.settle(12)
    assert (await world.status())["canary"]["version"] == 3


async def test_a_canary_that_is_not_wanted_any_more_is_still_rolled_back_though_paused() -> None:
    world = await paused_in_traffic()
    world.kube.put(version(3))
    world.analysis.says(Verdict.ROLL_BACK)
    await world.settle()
    assert (await world.outcomes())[2] == "RolledBack"
    assert await world.conditions() == WAITING, "version 3 waits now"
    assert len(await world.services()) == 1


@pytest.mark.parametrize("newer", [True, False])
async def test_a_canary_that_people_reject_in_the_registry_leaves_though_paused(newer: bool) -> None:
    world = await paused_in_traffic()
    if newer:
        world.kube.put(version(3))
    world.kube.put(version(2, decision="Rejected"))
    await world.settle()
    assert (await world.weights()).get(2, 0) == 0
    assert (await world.status())["history"][0]["outcome"] == "Superseded"


async def test_a_wish_that_cannot_be_followed_leaves_the_paused_canary_where_it_is() -> None:
    world = await paused_in_traffic()
    await world.change(version=9)
    await world.settle()
    assert await world.weights() == {1: 90, 2: 10}
    assert (await world.conditions())["Stalled"] == ("True", "VersionNotUsable")
    assert "Reconciling" not in await world.conditions()


async def test_no_pod_of_stable_is_said_before_the_pause() -> None:
    world = await paused_in_traffic()
    world.kube.drop(POD, NAMESPACE, f"{(await world.status())['stable']['inferenceService']}-pod")
    await world.step()
    assert (await world.conditions())["Reconciling"] == ("True", "StableNotReady")


async def test_a_status_lost_while_paused_is_rebuilt_and_stays_paused() -> None:
    world = await paused_in_traffic()
    await world.wipe()
    world.start()
    await world.settle()
    assert await world.weights() == {1: 90, 2: 10}
    assert await world.conditions() == WAITING
