"""What people and the cluster may hand to a ModelDeployment: told in a condition, and gone on with once mended."""

from __future__ import annotations

from typing import Any

import pytest

from perennial.ports.kinds import (
    CONTROLLER_REVISION,
    HTTP_ROUTE,
    INFERENCE_SERVICE,
    JOB,
    SERVING_RUNTIME,
    Kind,
)
from perennial.ports.kube import Forbidden, Invalid, KubeError, WebhookUnavailable
from perennial.ports.kube_fake import RecordingKube
from tests.unit.controllers.modeldeployment.objects import NAME, NAMESPACE, version
from tests.unit.controllers.modeldeployment.world import World


async def stalled(world: World) -> str:
    """The reason of Stalled; empty when it is absent."""
    return (await world.conditions()).get("Stalled", ("", ""))[1]


def shares(weights: dict[int, int]) -> dict[int, int]:
    """Without those that get none."""
    return {number: weight for number, weight in weights.items() if weight}


async def rolling(world: World) -> str:
    """Version 2 begins beside version 1; the name of its InferenceService."""
    await world.serving()
    before = set(await world.services())
    world.kube.put(version(2))
    await world.step()
    return (set(await world.services()) - before).pop()


# Names.


async def revision_of(number: int) -> str:
    """The name that the revision of a version will have."""
    world = World(version(1))
    await world.serving()
    if number == 1:
        return (await world.services())[0]
    world.kube.put(version(number))
    await world.step()
    records = await world.kube.list(CONTROLLER_REVISION, NAMESPACE)
    return next(str(each["metadata"]["name"]) for each in records if each["data"]["version"] == number)


@pytest.mark.parametrize("kind", [CONTROLLER_REVISION, SERVING_RUNTIME, INFERENCE_SERVICE, JOB], ids=lambda k: k.kind)
async def test_a_part_whose_name_is_taken_is_not_adopted(kind: Kind) -> None:
    name = await revision_of(2)
    name = f"{name}-preflight" if kind is JOB else name
    world = World(version(1))
    await world.serving()
    metadata = {"namespace": NAMESPACE, "name": name, "labels": {}}
    theirs = world.kube.put({"kind": kind.kind, "metadata": metadata, "spec": {}, "data": {"version": 0}})
    world.kube.put(version(2))
    for _ in range(4):
        again = await world.step()
        if kind is not INFERENCE_SERVICE:
            await world.serve()
        await world.route_taken()
    assert again in (5, 30)
    assert await stalled(world) == "NameTaken"
    assert f"{kind.kind} {name} exists" in await world.says("Stalled")
    assert await world.kube.get(kind, NAMESPACE, name) == theirs
    assert shares(await world.weights()) == {1: 100}
    assert (await world.conditions())["Ready"] == ("True", "Serving")
    world.kube.drop(kind, NAMESPACE, name)
    await world.until_followed(-1)
    assert await stalled(world) == ""


# What refuses a part.

REFUSALS = [
    Invalid("requests must not exceed limits"),
    Forbidden("exceeded quota: pods"),
    WebhookUnavailable('failed calling webhook "inferenceservice.kserve": connection refused'),
]


class Refusing(RecordingKube):
    """Refuses to apply one kind while told to."""

    refusal: KubeError | None = None
    refused: Kind = SERVING_RUNTIME

    async def apply(self, kind: Kind, obj: dict[str, Any], *, manager: str) -> dict[str, Any]:
        if self.refusal is not None and kind is self.refused:
            raise self.refusal
        return await super().apply(kind, obj, manager=manager)


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda each: type(each).__name__)
@pytest.mark.parametrize("kind", [HTTP_ROUTE, CONTROLLER_REVISION, SERVING_RUNTIME, INFERENCE_SERVICE])
async def test_a_part_that_is_refused_is_named_and_tried_again(refusal: KubeError, kind: Kind) -> None:
    world = World(version(1), kube=Refusing())
    assert isinstance(world.kube, Refusing)
    await world.serving()
    world.kube.refusal, world.kube.refused = refusal, kind
    world.kube.put(version(2))
    for _ in range(3):
        again = await world.step()
        await world.serve()
    assert again in (5, 30)
    assert await stalled(world) == "ChildRefused"
    said = await world.says("Stalled")
    assert said.startswith(f"The cluster refuses {kind.kind} {NAME}")
    assert str(refusal) in said
    assert await world.weights() == {1: 100}
    assert (await world.conditions())["Ready"] == ("True", "Serving")
    world.kube.refusal = None
    await world.until_followed(-1)
    assert await stalled(world) == ""


# Versions.


@pytest.mark.parametrize("spec", [{"follow": "LatestApproved"}, {"version": 1}], ids=["follow", "pinned"])
async def test_a_version_that_is_deleted_while_it_serves(spec: dict[str, Any]) -> None:
    world = World(version(1), **spec)
    await world.serving()
    kept = await world.kube.list(INFERENCE_SERVICE, NAMESPACE)
    world.kube._store.pop(("ModelVersion", NAMESPACE, "late-1"))
    await world.settle()
    assert await stalled(world) in ("NoVersion", "VersionNotUsable")
    assert "Version 1 stays as it is." in await world.says("Stalled")
    assert (await world.conditions())["Ready"] == ("True", "Serving")
    assert await world.weights() == {1: 100}
    assert await world.kube.list(INFERENCE_SERVICE, NAMESPACE) == kept
    world.kube.put(version(1))
    await world.settle()
    assert (await world.conditions())["UpToDate"] == ("True", "TargetServes")
    assert await world.kube.list(INFERENCE_SERVICE, NAMESPACE) == kept


@pytest.mark.parametrize("spec", [{"follow": "LatestApproved"}, {"version": 1}], ids=["follow", "pinned"])
async def test_a_version_that_is_rejected_while_it_serves(spec: dict[str, Any]) -> None:
    world = World(version(1), **spec)
    await world.serving()
    world.kube.put(version(1, "Rejected"))
    await world.settle()
    assert await stalled(world) in ("NoVersion", "VersionNotUsable")
    assert (await world.conditions())["Ready"] == ("True", "Serving")
    assert await world.weights() == {1: 100}


async def test_a_version_that_is_deleted_while_it_is_a_canary_gives_back_its_share() -> None:
    world = World(version(1))
    await world.in_traffic()
    world.kube._store.pop(("ModelVersion", NAMESPACE, "late-2"))
    await world.settle()
    assert await world.weights() == {1: 100}
    assert (await world.conditions())["Ready"] == ("True", "Serving")


@pytest.mark.parametrize("spec", [{"follow": "LatestApproved"}, {"version": 1}], ids=["follow", "pinned"])
async def test_a_version_whose_stored_spec_is_not_valid(spec: dict[str, Any]) -> None:
    old = version(1)
    old["spec"]["artifact"]["sha256"] = "not a digest"
    world = World(old, **spec)
    await world.settle()
    assert await stalled(world) == "VersionNotUsable"
    assert "ModelVersion late-1 is not valid for this release" in await world.says("Stalled")


async def test_a_version_whose_stored_spec_is_not_valid_is_in_no_others_way() -> None:
    old = version(1)
    old["spec"]["artifact"]["sha256"] = "not a digest"
    world = World(old, version(2))
    await world.settle()
    assert await world.weights() == {2: 100}
