"""Stored objects that cannot be read, and pods that do not come up."""

from __future__ import annotations

from typing import Any

import pytest

from perennial.controllers.modeldeployment import route
from perennial.ports.kinds import (
    CONTROLLER_REVISION,
    INFERENCE_SERVICE,
    MODEL_DEPLOYMENT,
)
from tests.unit.controllers.modeldeployment.objects import NAME, NAMESPACE, condition, version
from tests.unit.controllers.modeldeployment.test_bad_input import rolling, stalled
from tests.unit.controllers.modeldeployment.world import World

# What is stored and cannot be read.


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"strategy": {"canary": {"steps": [{"weight": 50}, {"weight": 10}]}}}, "the weights of the steps must rise"),
        ({"version": 1}, "give exactly one of version"),
    ],
)
async def test_a_stored_spec_that_breaks_a_younger_rule(change: dict[str, Any], words: str) -> None:
    world = World(version(1))
    await world.in_traffic()
    obj = await world.get()
    world.kube.put({**obj, "spec": {**obj["spec"], **change}})
    await world.step()
    assert await stalled(world) == "SpecInvalid"
    assert words in await world.says("Stalled")
    assert await world.weights() == {1: 90, 2: 10}
    world.kube.put({**(await world.get()), "spec": obj["spec"]})
    await world.step()
    assert await stalled(world) == ""


async def test_a_stored_status_that_cannot_be_read_is_rebuilt() -> None:
    world = World(version(1))
    await world.in_traffic()
    obj = await world.get()
    world.kube.put({**obj, "status": {**obj["status"], "stable": {"version": "one"}}})
    await world.step()
    status = await world.status()
    assert (status["stable"]["version"], status["canary"]["version"]) == (1, 2)
    assert await world.weights() == {1: 90, 2: 10}


@pytest.mark.parametrize("said", [{}, {route.naming.WEIGHTS_SINCE: "soon", route.naming.ROUTE_ROLLED_BACK: "{"}])
def test_annotations_of_the_route_that_somebody_else_wrote(said: dict[str, str]) -> None:
    found = route.read({"metadata": {"annotations": said}, "spec": {}})
    assert (found.since, found.rolled_back) == (None, {})


async def test_a_record_without_its_labels_gets_them_back() -> None:
    world = World(version(1))
    await world.serving()
    record = (await world.kube.list(CONTROLLER_REVISION, NAMESPACE))[0]
    labels = {
        k: v
        for k, v in record["metadata"]["labels"].items()
        if k in ("perennial.dev/controller", route.naming.NAME_LABEL)
    }
    world.kube.put({**record, "metadata": {**record["metadata"], "labels": labels}})
    await world.settle()
    found = await world.kube.get(CONTROLLER_REVISION, NAMESPACE, record["metadata"]["name"])
    assert found is not None
    assert found["metadata"]["labels"] == record["metadata"]["labels"]
    assert await world.weights() == {1: 100}


# Pods.


@pytest.mark.parametrize(
    ("container", "words"),
    [
        ({"state": {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}}, "cannot be pulled"),
        ({"state": {"waiting": {"reason": "ErrImageNeverPull", "message": "absent"}}}, "not on the node"),
    ],
)
async def test_an_image_that_does_not_exist_is_told_and_then_given_up(container: dict[str, Any], words: str) -> None:
    world = World(version(1))
    service = await rolling(world)
    await world.serve(ready=False)
    await world.pod(service, **container)
    await world.step()
    assert (await world.conditions())["Reconciling"] == ("True", "Preparing")
    assert words in await world.says("Reconciling")
    assert await world.weights() == {1: 100}
    world.clock.advance(601)
    await world.step()
    assert await stalled(world) == "RolledBack"
    assert words in await world.says("Stalled")
    await world.change(serving={"image": "there/it-is:1"})
    await world.step()
    assert await stalled(world) == ""
    assert (await world.status())["canary"]["version"] == 2


OUT_OF_MEMORY = {"reason": "OOMKilled", "exitCode": 137}
OUTCOME = (
    '{"outcome":"Failed","reason":"DigestMismatch","message":"The artifact is not the one that was registered: m"}'
)


@pytest.mark.parametrize(
    ("ended", "words"),
    [
        (OUT_OF_MEMORY, "it was out of memory; raise serving.resources.limits.memory"),
        ({"exitCode": 1, "message": "boom \x1b[31m!"}, "exit code 1, saying: boom [31m!"),
        ({"exitCode": 65, "message": OUTCOME}, "saying: The artifact is not the one that was registered: m"),
    ],
)
@pytest.mark.parametrize("routed", [False, True])
async def test_a_canary_whose_pod_keeps_ending(ended: dict[str, Any], words: str, routed: bool) -> None:
    world = World(version(1))
    if routed:
        await world.in_traffic()
        service = str((await world.status())["canary"]["inferenceService"])
    else:
        service = await rolling(world)
        await world.serve()
    await world.pod(service, restartCount=2, lastState={"terminated": ended})
    await world.settle()
    assert await stalled(world) == "RolledBack"
    assert words in await world.says("Stalled")
    assert await world.weights() == {1: 100}
    assert (await world.conditions())["Ready"] == ("True", "Serving")


async def test_a_quota_that_keeps_its_pods_away_is_quoted() -> None:
    world = World(version(1))
    service = await rolling(world)
    found = await world.kube.get(INFERENCE_SERVICE, NAMESPACE, service)
    assert found is not None
    said = condition("PredictorReady", "False") | {"message": "pods are forbidden: exceeded quota: team"}
    world.kube.put({**found, "status": {"conditions": [said]}})
    await world.step()
    assert "exceeded quota: team" in await world.says("Reconciling")
    await world.serve()
    await world.until_followed(-1)


async def test_a_deployment_that_is_deleted_meanwhile_is_no_error() -> None:
    world = World(version(1))
    await world.serving()
    world.kube.drop(MODEL_DEPLOYMENT, NAMESPACE, NAME)
    assert await world.step() is None
