"""What people and the cluster may hand to a ModelDeployment: told in a condition, and gone on with once mended."""

from __future__ import annotations

from typing import Any

import pytest

from perennial.controllers.modeldeployment import route
from perennial.controllers.modeldeployment.gateway import GatewayView, state
from perennial.ports.kinds import (
    CONTROLLER_REVISION,
    GATEWAY,
    HTTP_ROUTE,
    INFERENCE_SERVICE,
    JOB,
    MODEL_DEPLOYMENT,
    SERVING_RUNTIME,
    Kind,
)
from perennial.ports.kube import Forbidden, Invalid, KubeError, WebhookUnavailable
from perennial.ports.kube_fake import RecordingKube
from tests.unit.controllers.modeldeployment.objects import NAME, NAMESPACE, condition, gateway, version
from tests.unit.controllers.modeldeployment.test_parts import ROUTER, taken
from tests.unit.controllers.modeldeployment.world import World

ALL_IN_PLACE = taken(("Accepted", "True", 2), ("ResolvedRefs", "True", 2))


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


# The gateway.


def view(accepted: dict[str, Any] | None, programmed: dict[str, Any] | None, unmerged: bool = False) -> GatewayView:
    said = [{"type": name, **each} for name, each in (("Accepted", accepted), ("Programmed", programmed)) if each]
    return GatewayView(True, {**gateway()[0], "status": {"conditions": said}}, gateway()[1], unmerged)


YES = {"status": "True"}
NO_ADDRESS = {"status": "False", "reason": "AddressNotAssigned", "message": "none"}
BROKEN = {"status": "False", "reason": "Invalid", "message": "no certificate"}
PENDING = {"status": "Unknown", "reason": "Pending"}
NOT_READY = ("False", "GatewayNotReady")


@pytest.mark.parametrize(
    ("accepted", "programmed", "expected", "words"),
    [
        (YES, YES, ("True", "RouteAccepted"), "has taken the route"),
        (YES, None, ("True", "RouteAccepted"), "has taken the route"),
        (YES, NO_ADDRESS, ("True", "RouteAccepted"), "has taken the route"),
        (None, None, NOT_READY, "is there a GatewayClass eg, and does its controller run?"),
        (PENDING, PENDING, NOT_READY, "was taken by no controller"),
        (BROKEN, None, NOT_READY, "Accepted is False (Invalid): no certificate"),
        (YES, BROKEN, NOT_READY, "Programmed is False (Invalid): no certificate"),
    ],
)
def test_what_the_gateway_says_of_itself(accepted: Any, programmed: Any, expected: Any, words: str) -> None:
    found = state(view(accepted, programmed), ROUTER, "late", "flights", ALL_IN_PLACE)
    assert (found.status, found.reason) == expected
    assert words in found.message
    assert found.answers is (found.status == "True")


async def test_a_gateway_that_nobody_controls_is_told_and_mended() -> None:
    world = World(version(1))
    mended = await world.kube.get(GATEWAY, "envoy-gateway-system", "gw")
    assert mended is not None
    world.kube.put({**mended, "status": {}})
    await world.settle()
    assert await stalled(world) == "GatewayNotReady"
    assert "GatewayClass eg" in await world.says("Stalled")
    assert (await world.conditions())["Ready"][0] == "False"
    world.kube.put(mended)
    await world.settle()
    assert (await world.conditions())["Ready"] == ("True", "Serving")


async def test_a_gateway_that_is_lost_while_serving_takes_nothing_out_of_the_route() -> None:
    world = World(version(1))
    await world.serving()
    lost = await world.kube.get(GATEWAY, "envoy-gateway-system", "gw")
    assert lost is not None
    world.kube.put({**lost, "status": {"conditions": [condition("Accepted", "False")]}})
    await world.settle()
    assert await world.weights() == {1: 100}
    assert (await world.conditions())["Ready"] == ("False", "NothingServes")
    assert (await world.conditions())["GatewayReady"] == NOT_READY


async def test_routes_that_are_not_served_though_gateways_are() -> None:
    world = World(version(1), missing=(HTTP_ROUTE,))
    await world.step()
    await world.serve()
    assert await world.step() in (5, 30)
    assert await stalled(world) == "GatewayNotInstalled"
    assert "HTTPRoute" in await world.says("Stalled")
    world.kube.missing.clear()
    await world.settle()
    assert (await world.conditions())["Ready"] == ("True", "Serving")


async def test_routes_that_are_no_longer_served() -> None:
    world = World(version(1))
    await world.serving()
    world.kube.missing.add(HTTP_ROUTE)
    assert await world.step() == 30
    assert (await world.conditions())["Ready"] == ("False", "NothingServes")
    assert len(await world.services()) == 1
    world.kube.missing.clear()
    await world.settle()
    assert (await world.conditions())["Ready"] == ("True", "Serving")


async def test_a_gateway_without_a_listener_for_the_preflight() -> None:
    world = World(version(1))
    found = await world.kube.get(GATEWAY, "envoy-gateway-system", "gw")
    assert found is not None
    listeners = [{"name": "tls", "protocol": "HTTPS", "port": 443}]
    world.kube.put({**found, "spec": {**found["spec"], "listeners": listeners}})
    await world.settle()
    assert await stalled(world) == "GatewayNotReady"
    assert "HTTP listener" in await world.says("Stalled")
    http = {"name": "http", "protocol": "HTTP", "port": 8080}
    world.kube.put({**found, "spec": {**found["spec"], "listeners": [*listeners, http]}})
    await world.settle()
    status = await world.status()
    assert status["url"] == "https://late.localhost/v1/models/late"
    assert status["internalUrl"].endswith(":8080/v1/models/late")


def test_unmerged_backends_are_told_once_the_route_is_taken() -> None:
    found = state(view(YES, YES, unmerged=True), ROUTER, "late", "flights", ALL_IN_PLACE)
    assert (found.status, found.reason) == ("False", "BackendsNotMerged")
    assert "mergeBackends" in found.message
    assert found.ready, "the route is the gateway's all the same: what leaves it may go"
    assert found.answers
    pending = state(view(YES, YES, unmerged=True), ROUTER, "late", "flights", None)
    assert pending.reason == "RoutePending"


async def test_unmerged_backends_keep_ready_what_serves() -> None:
    world = World(version(1))
    await world.serving()
    world.reconciler._unmerged = lambda *_: True
    await world.step()
    conditions = await world.conditions()
    assert conditions["GatewayReady"] == ("False", "BackendsNotMerged")
    assert conditions["Ready"] == ("True", "Serving")
    assert "Stalled" not in conditions
    world.reconciler._unmerged = lambda *_: False
    await world.step()
    assert (await world.conditions())["GatewayReady"] == ("True", "RouteAccepted")


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
