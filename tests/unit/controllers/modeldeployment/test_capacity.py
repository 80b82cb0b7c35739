"""How many pods each revision has on the way, and which budget protects them."""

from __future__ import annotations

from typing import Any

import pytest

from perennial.core.analysis_types import NOT_ROUTED
from perennial.ports.kinds import INFERENCE_SERVICE, POD, POD_DISRUPTION_BUDGET
from perennial.rollout import Verdict
from tests.unit.controllers.modeldeployment.objects import NAME, NAMESPACE, version
from tests.unit.controllers.modeldeployment.test_strategies import STEPS
from tests.unit.controllers.modeldeployment.world import World


async def pods_wanted(world: World) -> dict[str, int]:
    """Role -> the pods that its InferenceService asks for."""
    status = await world.status()
    services = {s["metadata"]["name"]: s for s in await world.kube.list(INFERENCE_SERVICE, NAMESPACE)}
    return {
        role: services[status[role]["inferenceService"]]["spec"]["predictor"]["minReplicas"]
        for role in ("stable", "canary", "previous")
        if role in status
    }


async def serve_all(world: World) -> None:
    """Every InferenceService has as many ready pods as it asks for."""
    await world.serve()
    for service in await world.kube.list(INFERENCE_SERVICE, NAMESPACE):
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


# The budget.


async def budget(world: World) -> dict[str, Any] | None:
    return await world.kube.get(POD_DISRUPTION_BUDGET, NAMESPACE, NAME)


async def test_more_than_one_pod_gets_a_budget_and_one_pod_none() -> None:
    world = Many(version(1))
    await world.settle()
    assert await budget(world) is None
    await world.change(serving={"replicas": 2})
    await world.settle()
    made = await budget(world)
    assert made is not None
    assert made["spec"]["maxUnavailable"] == 1
    assert made["metadata"]["ownerReferences"][0]["uid"] == "the-uid"
    (pod, *_) = await world.kube.list(POD, NAMESPACE)
    assert made["spec"]["selector"]["matchLabels"].items() <= pod["metadata"]["labels"].items()
    world.kube.drop(POD_DISRUPTION_BUDGET, NAMESPACE, NAME)
    await world.step()
    assert await budget(world) is not None, "made again"
    await world.change(serving={"replicas": 1})
    await world.settle()
    assert await budget(world) is None


async def test_a_budget_of_the_name_that_is_not_ours_is_told_and_left_alone() -> None:
    world = Many(version(1), serving={"replicas": 2})
    theirs = {"kind": "PodDisruptionBudget", "metadata": {"namespace": NAMESPACE, "name": NAME, "uid": "theirs"}}
    world.kube.put({**theirs, "spec": {"maxUnavailable": 0}})
    await world.step()
    assert (await world.conditions())["Stalled"] == ("True", "NameTaken")
    found = await budget(world)
    assert found is not None
    assert found["spec"] == {"maxUnavailable": 0}


async def test_a_single_pod_costs_no_look_at_a_budget() -> None:
    world = World(version(1))
    world.kube.missing |= {POD_DISRUPTION_BUDGET}
    await world.serving()
