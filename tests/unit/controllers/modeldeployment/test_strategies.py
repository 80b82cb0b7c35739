"""Each strategy against a played cluster: what the route says, what is waited for, and how it goes back."""

from __future__ import annotations

from typing import Any

import pytest

from perennial.core.analysis_types import NOT_ROUTED
from perennial.ports.kinds import HTTP_ROUTE, POD
from perennial.ports.kinds import INFERENCE_SERVICE as INFERENCE
from perennial.rollout import Verdict
from tests.unit.controllers.modeldeployment.objects import NAME, NAMESPACE, outcome, version
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


# Gates.


async def at_a_gate(**spec: Any) -> World:
    world = World(version(1), strategy={"canary": {"steps": [{"weight": 10, "gate": "Manual"}, STEPS[1]]}}, **spec)
    await world.in_traffic()
    world.analysis.says(Verdict.ADVANCE)
    await world.step()
    return world


async def advance(world: World, step: int, revision: str = "") -> None:
    revision = revision or (await world.status())["canary"]["revision"]
    await world.change(rollout={"advance": f"{revision}/{step}"})


async def test_a_gate_waits_for_a_person_once_the_evidence_is_there() -> None:
    world = await at_a_gate()
    assert await reconciling(world) == "AwaitingPromotion"
    assert await world.weights() == {1: 90, 2: 10}
    revision = (await world.status())["canary"]["revision"]
    assert f"{revision}/0" in await world.says("Reconciling")
    await advance(world, 0)
    await world.until_followed(1)
    assert await world.weights() == {1: 50, 2: 50}


async def test_an_open_gate_still_asks_for_evidence() -> None:
    world = await at_a_gate()
    world.analysis.says(Verdict.HOLD)
    await advance(world, 5)
    await world.step()
    assert await world.weights() == {1: 90, 2: 10}


@pytest.mark.parametrize("revision", ["another", ""])
async def test_what_is_said_of_another_revision_or_an_earlier_step_opens_no_gate(revision: str) -> None:
    steps = [{"weight": 5}, {"weight": 10, "gate": "Manual"}, STEPS[1]]
    world = World(version(1), strategy={"canary": {"steps": steps}})
    await world.serving()
    world.kube.put(version(2))
    await world.until_followed(0, first=True)
    world.analysis.says(Verdict.ADVANCE)
    await world.until_followed(1)
    await advance(world, 0, revision)
    world.analysis.says(Verdict.ADVANCE)
    await world.step()
    assert await reconciling(world) == "AwaitingPromotion"


async def test_a_gate_of_the_last_step_holds_the_promotion_and_promote_passes_all_gates() -> None:
    gated = [{**each, "gate": "Manual"} for each in STEPS]
    world = World(version(1), strategy={"canary": {"steps": gated}})
    await world.in_traffic()
    await world.change(rollout={"promote": (await world.status())["canary"]["revision"]})
    await world.settle()
    assert await world.weights() == {1: 0, 2: 100}


async def test_what_is_worse_at_a_gate_is_rolled_back() -> None:
    world = await at_a_gate()
    world.analysis.says(Verdict.ROLL_BACK)
    await world.step()
    assert (await world.conditions())["Stalled"] == ("True", "RolledBack")


# A weight that is set by hand.


def by_hand(weight: int, **more: Any) -> dict[str, Any]:
    return {"canary": {"steps": STEPS, "weight": weight, **more}}


async def test_the_operator_goes_to_the_weight_and_no_further() -> None:
    world = await released(by_hand(30))
    await until(world, "AwaitingPromotion")
    assert await world.weights() == {1: 70, 2: 30}
    for _ in range(3):
        world.analysis.says(Verdict.PROMOTE)
        await world.step()
        await world.play()
    assert await world.weights() == {1: 70, 2: 30}
    assert "as spec.strategy.canary.weight says" in await world.says("Reconciling")


@pytest.mark.parametrize("weight", [60, 100, 10, 0])
async def test_another_weight_is_gone_to(weight: int) -> None:
    world = await released(by_hand(30))
    await until(world, "AwaitingPromotion")
    await world.change(strategy=by_hand(weight))
    await world.settle()
    assert await world.weights() == {1: 100 - weight, 2: weight}
    assert await reconciling(world) == "AwaitingPromotion"
    assert (await world.status())["stable"]["version"] == 1


async def test_a_worse_one_is_rolled_back_at_a_weight_by_hand_too() -> None:
    world = await released(by_hand(30))
    await until(world, "AwaitingPromotion")
    await world.step()
    watched = world.analysis.watched
    assert watched is not None
    assert (watched.step, watched.by_hand) == (1, True)
    world.analysis.says(Verdict.ROLL_BACK)
    await world.step()
    assert await world.weights() == {1: 100, 2: 0}


async def test_without_the_weight_the_steps_go_on_from_there() -> None:
    world = await released(by_hand(30))
    await until(world, "AwaitingPromotion")
    await world.change(strategy={"canary": {"steps": STEPS}})
    await world.step()
    await world.step()
    assert (await world.status())["canary"]["step"] == 0
    world.analysis.says(Verdict.ADVANCE)
    await world.until_followed(1)
    assert await world.weights() == {1: 50, 2: 50}


async def test_a_weight_by_hand_needs_no_warm_up_but_a_preflight() -> None:
    world = await released(by_hand(30))
    await world.step()
    assert await world.weights() in ({1: 100}, {1: 100, 2: 0})
    await until(world, "AwaitingPromotion")
    assert (await world.status()).get("analysis") is None


# Replicas.


async def pods_wanted(world: World) -> dict[str, int]:
    """Role -> the pods that its InferenceService asks for."""
    status = await world.status()
    services = {s["metadata"]["name"]: s for s in await world.kube.list(INFERENCE, NAMESPACE)}
    return {
        role: services[status[role]["inferenceService"]]["spec"]["predictor"]["minReplicas"]
        for role in ("stable", "canary", "previous")
        if role in status
    }


async def serve_all(world: World) -> None:
    """Every InferenceService has as many ready pods as it asks for."""
    await world.serve()
    for service in await world.kube.list(INFERENCE, NAMESPACE):
        name = service["metadata"]["name"]
        pod = await world.kube.get(POD, NAMESPACE, f"{name}-pod")
        assert pod is not None
        for number in range(1, service["spec"]["predictor"]["minReplicas"]):
            metadata = {**pod["metadata"], "name": f"{name}-{number}-pod"}
            world.kube.put({**pod, "metadata": metadata})


class Many(World):
    """A world in which services have as many pods as they ask for."""

    async def play(self) -> None:
        await serve_all(self)
        await self.route_taken()
        await self.preflight()


@pytest.mark.parametrize(
    ("replicas", "wanted"), [("Full", [10, 10, 10]), ("Proportional", [1, 5, 10]), (3, [3, 5, 10]), (40, [10, 10, 10])]
)
async def test_how_many_pods_a_canary_has_before_each_weight(replicas: Any, wanted: list[int]) -> None:
    world = Many(version(1), serving={"replicas": 10}, strategy={"canary": {"steps": STEPS, "replicas": replicas}})
    for _ in range(5):
        await world.step()
        await world.play()
    world.kube.put(version(2))
    seen = []
    for step in (NOT_ROUTED, 0, 1):
        if step == 0:
            world.analysis.says(Verdict.HOLD)
        elif step == 1:
            world.analysis.says(Verdict.ADVANCE)
        for _ in range(8):
            await world.step()
            await world.play()
        seen.append((await pods_wanted(world))["canary"])
    assert seen == wanted
    world.analysis.says(Verdict.PROMOTE)
    for _ in range(4):
        await world.step()
        await world.play()
    assert await pods_wanted(world) == {"stable": 10, "previous": 10}


async def test_the_stable_version_keeps_its_pods_until_the_bake_is_over() -> None:
    world = Many(version(1), serving={"replicas": 3}, bake={"seconds": 60})
    for _ in range(5):
        await world.step()
        await world.play()
    world.kube.put(version(2))
    await world.until_followed(0, first=True)
    await world.change(serving={"replicas": 1})
    await world.step()
    assert await pods_wanted(world) == {"stable": 3, "canary": 1}


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
    await world.step()
    await world.until_followed(0)
    assert await mirrored(world) is None
    assert await world.weights() == {1: 90, 2: 10}
    await world.change(strategy={"blueGreen": {}})
    await world.settle(12)
    assert await world.weights() == {1: 0, 2: 100}


# Recreate.


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
    assert (await world.conditions())["Ready"][0] == "False"


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
