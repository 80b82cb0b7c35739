"""What may be in a ModelDeployment's way on a real apiserver: told, nothing lost, and gone on with once mended."""

from __future__ import annotations

import json
from typing import Any

import pytest

from perennial.api.serving import Serving
from perennial.controllers.modeldeployment.revision import resolve
from perennial.controllers.modeldeployment.stored import versions_of
from perennial.ports.kinds import (
    CONTROLLER_REVISION,
    GATEWAY,
    HTTP_ROUTE,
    INFERENCE_SERVICE,
    JOB,
    MODEL_VERSION,
    SERVING_RUNTIME,
    Kind,
)
from perennial.ports.kube import NotInstalled, Object, Unavailable
from tests.apiserver.modeldeployment.stage import NAME, Stage, gateway, gateway_taken
from tests.apiserver.modeldeployment.test_main_job import STEADY, first
from tests.apiserver.support import eventually
from tests.unit.controllers.modeldeployment.world import SETTINGS

POD = {"containers": [{"name": "a", "image": "x:1"}], "restartPolicy": "Never"}
THEIRS: dict[str, Object] = {
    "ControllerRevision": {"revision": 1, "data": {}},
    "ServingRuntime": {"spec": {"containers": POD["containers"]}},
    "InferenceService": {"spec": {"predictor": {"model": {"modelFormat": {"name": "sklearn"}}}}},
    "Job": {"spec": {"template": {"spec": POD}}},
}


async def stalled(stage: Stage) -> str:
    """The reason of Stalled; empty when it is absent."""
    return (await stage.conditions()).get("Stalled", ("", ""))[1]


async def until_stalled(stage: Stage, reason: str) -> None:
    """Passes, the cluster doing its part in between, until Stalled has this reason: caches may be behind."""

    async def told() -> bool:
        await attempt(stage)
        return await stalled(stage) == reason

    await eventually(told, f"Stalled is {reason}", 30)


async def until_steady(stage: Stage, expected: dict[str, tuple[str, str]] = STEADY) -> None:
    """The same until the conditions are those of rest."""

    async def rests() -> bool:
        await attempt(stage)
        return await stage.conditions() == expected

    await eventually(rests, "it goes on by itself", 30)


async def attempt(stage: Stage) -> None:
    """A pass as a worker makes it: what another try may mend is no failure."""
    try:
        await stage.step()
        await stage.play()
    except (NotInstalled, Unavailable):
        return


async def assert_still_serves(stage: Stage) -> None:
    assert {number: weight for number, weight in (await stage.weights()).items() if weight} == {1: 100}
    assert (await stage.conditions())["Ready"] == ("True", "Serving")


async def second_name(stage: Stage) -> str:
    """The name that version 2's revision will have."""
    versions, _ = versions_of("late", await stage.admin.list(MODEL_VERSION, stage.namespace))
    version = next(each for each in versions if each.number == 2)
    return resolve(NAME, version, Serving(), (), SETTINGS.trainer_image).service


# Names.


@pytest.mark.parametrize("kind", [CONTROLLER_REVISION, SERVING_RUNTIME, INFERENCE_SERVICE, JOB], ids=lambda k: k.kind)
async def test_a_part_whose_name_is_taken_is_not_adopted(stage: Stage, kind: Kind) -> None:
    await first(stage)
    await stage.release(2)
    name = await second_name(stage) + ("-preflight" if kind is JOB else "")
    metadata = {"namespace": stage.namespace, "name": name, "labels": {"theirs": "yes"}}
    theirs = await stage.admin.create(kind, {"metadata": metadata, **THEIRS[kind.kind]})
    for _ in range(4):
        await stage.step()
        if kind is JOB:
            await stage.play()
    assert await stalled(stage) == "NameTaken"
    assert f"{kind.kind} {name} exists" in await stage.says("Stalled")
    found = await stage.admin.get(kind, stage.namespace, name)
    assert found is not None
    assert found["metadata"]["labels"]["theirs"] == "yes"
    assert "ownerReferences" not in found["metadata"]
    if kind is not CONTROLLER_REVISION:
        assert found["spec"] == theirs["spec"]
        await assert_still_serves(stage)
    await stage.admin.delete(kind, found)
    await stage.until_followed(-1)
    assert await stalled(stage) == ""


async def test_a_route_whose_name_is_taken_is_not_adopted(stage: Stage) -> None:
    metadata = {"namespace": stage.namespace, "name": NAME}
    theirs = await stage.admin.create(HTTP_ROUTE, {"metadata": metadata, "spec": {"hostnames": ["theirs.example.com"]}})
    await stage.release(1)
    await stage.deploy()
    await stage.step()
    await stage.step()
    assert await stalled(stage) == "NameTaken"
    found = await stage.admin.get(HTTP_ROUTE, stage.namespace, NAME)
    assert found == theirs
    await stage.admin.delete(HTTP_ROUTE, theirs)
    await until_steady(stage)


# The gateway.


async def test_a_gateway_whose_class_has_no_controller(stage: Stage) -> None:
    mine = {**gateway()[0], "metadata": {"namespace": stage.namespace, "name": "gw"}}
    mine["spec"] = {**mine["spec"], "gatewayClassName": "nobody"}
    await stage.admin.create(GATEWAY, mine)
    await stage.release(1)
    await stage.deploy(router={"gatewayRef": {"name": "gw"}, "hostname": "late.localhost"})
    for _ in range(4):
        await stage.step()
        await stage.play(route=False)
    assert (await stage.conditions())["GatewayReady"] == ("False", "GatewayNotReady")
    assert await stalled(stage) == "GatewayNotReady"
    assert "GatewayClass nobody" in await stage.says("Stalled")
    await stage.admin.apply_status(GATEWAY, gateway_taken(stage.namespace, "gw"), manager="controller")

    async def asks_for_a_service() -> bool:
        await attempt(stage)
        return "has no Service with an HTTP listener" in await stage.says("Stalled")

    await eventually(asks_for_a_service, "only the gateway's Service is missing")
    service = {**gateway()[1], "metadata": {**gateway()[1]["metadata"], "namespace": stage.namespace}}
    service["metadata"]["labels"] |= {"gateway.envoyproxy.io/owning-gateway-namespace": stage.namespace}
    stage.kubectl("apply", "--server-side", "-f", "-", stdin=json.dumps(service))
    await until_steady(stage)


# Versions.


@pytest.mark.parametrize("spec", [{"follow": "LatestApproved"}, {"version": 1}], ids=["follow", "pinned"])
async def test_a_version_that_is_deleted_while_it_serves(stage: Stage, spec: dict[str, Any]) -> None:
    await first(stage, **spec)
    before = {each["metadata"]["name"]: each["metadata"]["resourceVersion"] for each in await stage.children()}
    version = await stage.admin.get(MODEL_VERSION, stage.namespace, "late-1")
    assert version is not None
    await stage.admin.delete(MODEL_VERSION, version)
    await stage.settle()
    assert await stalled(stage) in ("NoVersion", "VersionNotUsable")
    await assert_still_serves(stage)
    after = {each["metadata"]["name"]: each["metadata"]["resourceVersion"] for each in await stage.children()}
    assert after == before, "nothing restarts"
    await stage.release(2)
    if "version" in spec:
        await stage.deploy(version=2)
    await stage.until_followed(-1)
    assert await stalled(stage) == ""
