"""`spec.rollout`: promote, reject and retry, each once, however long it stands in the spec."""

from __future__ import annotations

from typing import Any

import pytest

from perennial.ports.kinds import CONTROLLER_REVISION, JOB, POD
from perennial.rollout import Verdict
from tests.unit.controllers.modeldeployment.objects import NAMESPACE, outcome, version
from tests.unit.controllers.modeldeployment.world import World

BY_HAND = "Version 2 took over from version 1, promoted by hand (spec.rollout.promote)."
TOLD = ("ModelDeployment", "Event")
REJECTED = "Version 2 was rejected by hand (spec.rollout.reject). Version 1 serves all requests."


async def in_traffic(**spec: Any) -> tuple[World, str]:
    """Version 2 gets the first step's share beside version 1; and its revision."""
    world = World(version(1), **spec)
    await world.in_traffic()
    return world, await canary(world)


async def canary(world: World) -> str:
    return str((await world.status())["canary"]["revision"])


async def rolled_back(world: World) -> None:
    world.analysis.says(Verdict.ROLL_BACK, message="It is worse.")
    await world.settle()
    assert (await world.outcomes())[2] == "RolledBack"


# Promote.


async def test_a_promotion_by_hand_needs_no_evidence() -> None:
    world, revision = await in_traffic()
    world.analysis.says(Verdict.HOLD)
    await world.change(rollout={"promote": revision})
    await world.step()
    status = await world.status()
    assert (status["stable"]["version"], "canary" in status) == (2, False)
    assert await world.weights() == {1: 90, 2: 10}, "status first, then the route"
    assert (status["analysis"]["verdict"], status["analysis"]["message"]) == ("Promote", BY_HAND)
    await world.settle()
    assert await world.weights() == {1: 0, 2: 100}
    assert (await world.conditions())["UpToDate"] == ("True", "TargetServes")
    entry = (await world.status())["history"][0]
    assert (entry["outcome"], entry["message"]) == ("Promoted", BY_HAND)
    assert (await world.events()).count("Promoted") == 1


async def test_a_person_promotes_a_canary_that_the_evidence_is_against_or_that_is_paused() -> None:
    world, revision = await in_traffic()
    await world.change(paused=True, rollout={"promote": revision})
    world.analysis.says(Verdict.ROLL_BACK)
    await world.settle()
    assert await world.weights() == {1: 0, 2: 100}


async def test_a_rollback_that_came_first_stays() -> None:
    world, revision = await in_traffic()
    await rolled_back(world)
    await world.change(rollout={"promote": revision})
    await world.settle()
    assert await world.weights() == {1: 100}
    assert (await world.conditions())["Stalled"] == ("True", "RolledBack")


async def test_a_promotion_waits_for_readiness_and_preflight_but_for_no_warm_up() -> None:
    world = World(version(1))
    await world.serving()
    world.kube.put(version(2))
    await world.step()
    await world.change(rollout={"promote": await canary(world)})
    await world.step()
    assert (await world.conditions())["Reconciling"] == ("True", "Preparing")
    for _ in range(3):
        await world.serve()
        await world.route_taken()
        world.analysis.says(Verdict.HOLD, reason="WarmingUp", message="3 of 600 s.", first_step=None)
        await world.step()
    assert (await world.conditions())["Reconciling"] == ("True", "Preflight")
    assert (await world.weights()).get(2, 0) == 0
    await world.preflight()
    await world.step()
    assert (await world.status())["stable"]["version"] == 2
    await world.settle()
    assert await world.weights() == {1: 0, 2: 100}


async def test_a_canary_that_fails_is_not_promoted() -> None:
    world = World(version(1))
    await world.serving()
    world.kube.put(version(2))
    await world.step()
    await world.change(rollout={"promote": await canary(world)})
    for _ in range(3):
        await world.serve()
        await world.route_taken()
        await world.step()
    await world.preflight("Failed", said=outcome("row 3: 0.1, not 0.2."))
    await world.settle()
    assert (await world.conditions())["Stalled"] == ("True", "RolledBack")
    assert await world.weights() == {1: 100}


async def test_a_promotion_waits_for_the_pods_that_all_requests_need() -> None:
    world, revision = await in_traffic()
    service = (await world.status())["stable"]["inferenceService"]
    pod = await world.kube.get(POD, NAMESPACE, f"{service}-pod")
    assert pod is not None
    world.kube.put({**pod, "metadata": {**pod["metadata"], "name": f"{service}-pod-2"}})
    await world.change(rollout={"promote": revision})
    await world.step()
    assert (await world.conditions())["Reconciling"] == ("True", "CapacityNotReady")
    world.kube.drop(POD, NAMESPACE, f"{service}-pod-2")
    await world.settle()
    assert await world.weights() == {1: 0, 2: 100}


async def test_a_promotion_is_the_way_out_when_stable_has_no_pod() -> None:
    world, revision = await in_traffic()
    world.kube.drop(POD, NAMESPACE, f"{(await world.status())['stable']['inferenceService']}-pod")
    await world.change(rollout={"promote": revision})
    await world.step()
    await world.step()
    assert await world.weights() == {1: 0, 2: 100}


@pytest.mark.parametrize("field", ["promote", "reject"])
@pytest.mark.parametrize("named", ["stable", "nothing"])
async def test_naming_what_serves_or_is_not_there_does_nothing(field: str, named: str) -> None:
    world, _ = await in_traffic()
    revision = (await world.status())["stable"]["revision"] if named == "stable" else "unknown"
    before = await world.status()
    await world.change(rollout={field: revision})
    world.analysis.says(Verdict.HOLD)
    await world.settle()
    assert await world.weights() == {1: 90, 2: 10}
    assert (await world.status())["history"] == before["history"]


async def take_over(world: World) -> None:
    """The canary gets there on evidence."""
    await world.until_followed(-1)
    world.analysis.says(Verdict.HOLD)
    await world.until_followed(0)
    world.analysis.says(Verdict.ADVANCE)
    await world.until_followed(1)
    world.analysis.says(Verdict.PROMOTE)
    await world.settle()


async def test_a_promotion_that_is_left_over_does_nothing_until_it_is_set_anew() -> None:
    world, revision = await in_traffic(scaleDownSeconds=0)
    await world.change(rollout={"promote": revision})
    await world.settle()
    world.kube.put(version(3))
    await take_over(world)
    await world.change(version=2)
    await world.until_followed(-1)
    await world.settle()
    assert await canary(world) == revision, "version 3 serves, and version 2 is a canary again"
    await world.change(rollout={})
    await world.step()
    assert await canary(world) == revision
    await world.change(rollout={"promote": revision})
    await world.step()
    assert (await world.status())["stable"]["version"] == 2


async def test_a_promotion_comes_before_a_version_that_is_released_in_the_same_moment() -> None:
    world, revision = await in_traffic()
    world.kube.put(version(3))
    await world.change(rollout={"promote": revision})
    await world.step()
    await world.step()
    assert await world.weights() == {1: 0, 2: 100}
    await world.step()
    assert (await world.status())["canary"]["version"] == 3


async def test_a_promotion_that_cannot_be_now_keeps_no_newer_version_waiting() -> None:
    world = World(version(1))
    await world.serving()
    world.kube.put(version(2))
    await world.step()
    await world.change(rollout={"promote": await canary(world)})
    world.kube.put(version(3))
    await world.settle()
    assert (await world.status())["canary"]["version"] == 3


# Reject.


async def test_a_rejection_is_route_then_record_then_status_and_is_remembered() -> None:
    world, revision = await in_traffic()
    before = len(world.kube.writes)
    await world.change(rollout={"reject": revision})
    await world.step()
    writes = [write.kind for write in world.kube.writes[before:]]
    assert writes == ["HTTPRoute", "ControllerRevision", "ModelDeployment", "Event"]
    assert await world.weights() == {1: 100, 2: 0}
    await world.settle()
    assert await world.says("Stalled") == REJECTED
    entry = (await world.status())["history"][0]
    assert (entry["outcome"], entry["message"]) == ("RolledBack", REJECTED)
    assert len(await world.services()) == 1
    await world.change(rollout={})
    await world.settle()
    assert await world.says("Stalled") == REJECTED, "taking the word back is not yet another try"
    assert (await world.events()).count("RolledBack") == 1


async def test_a_canary_is_rejected_before_it_gets_any_request() -> None:
    world = World(version(1))
    await world.serving()
    world.kube.put(version(2))
    await world.step()
    await world.change(rollout={"reject": await canary(world)})
    await world.settle()
    assert await world.says("Stalled") == REJECTED
    assert len(await world.services()) == 1


async def test_a_rejected_revision_is_not_begun_at_all() -> None:
    world = World(version(1), paused=True)
    await world.serving()
    world.kube.put(version(2))
    await world.settle()
    records = await world.kube.list(CONTROLLER_REVISION, NAMESPACE)
    revision = next(each["metadata"]["labels"]["perennial.dev/revision"] for each in records if each["revision"] == 2)
    await world.change(rollout={"reject": revision}, paused=False)
    before = len(world.kube.writes)
    await world.settle()
    assert {each.kind for each in world.kube.writes[before:]} <= {"ControllerRevision", "HTTPRoute", *TOLD}
    assert await world.says("Stalled") == REJECTED
    assert (await world.events()).count("RolledBack") == 1
    assert [each["outcome"] for each in (await world.status())["history"]] == ["RolledBack", "Deployed"]
    assert len(await world.services()) == 1


async def test_a_rejection_wins_over_a_promotion_and_over_the_next_version() -> None:
    world, revision = await in_traffic()
    world.kube.put(version(3))
    await world.change(rollout={"reject": revision, "promote": revision})
    await world.step()
    assert await world.weights() == {1: 100, 2: 0}
    await world.settle()
    assert (await world.outcomes())[2] == "RolledBack"
    assert (await world.events()).count("RolledBack") == 1
    assert (await world.status())["canary"]["version"] == 3


async def test_a_rejection_waits_until_stable_can_take_the_requests() -> None:
    world, revision = await in_traffic()
    world.kube.drop(POD, NAMESPACE, f"{(await world.status())['stable']['inferenceService']}-pod")
    await world.change(rollout={"reject": revision})
    await world.step()
    assert await world.weights() == {1: 90, 2: 10}
    assert (await world.conditions())["Reconciling"] == ("True", "StableNotReady")
    await world.serve()
    await world.settle()
    assert await world.says("Stalled") == REJECTED
    assert await world.kube.list(JOB, NAMESPACE) == []
