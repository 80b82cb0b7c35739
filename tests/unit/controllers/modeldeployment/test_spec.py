"""What the spec may ask for, what is in the way, and what each says."""

from dataclasses import replace
from typing import Any

import pytest

from perennial.ports.kinds import CONTROLLER_REVISION, GATEWAY, HTTP_ROUTE, INFERENCE_SERVICE, JOB, SERVING_RUNTIME
from perennial.ports.kube import Invalid
from perennial.rollout import Verdict
from tests.unit.controllers.modeldeployment.objects import NAME, NAMESPACE, outcome, version
from tests.unit.controllers.modeldeployment.world import World

LATEST: dict[str, Any] = {}


@pytest.mark.parametrize(
    ("versions", "spec", "reason", "words"),
    [
        ([], LATEST, "NoVersion", "Model late has no version yet; create a TrainingRun"),
        ([version(1, "Pending")], LATEST, "NoVersion", "late-1, is Pending and verified. Approve it with"),
        ([version(1, verified="False")], LATEST, "NoVersion", "late-1, is Approved and not verified."),
        ([version(1)], {"version": 2}, "VersionNotUsable", "ModelVersion late-2 does not exist; create it"),
        ([version(1, "Rejected")], {"version": 1}, "VersionNotUsable", "is Rejected; approve it"),
        ([version(1, verified="Unknown")], {"version": 1}, "VersionNotUsable", "is not verified; its condition"),
    ],
)
async def test_a_version_that_cannot_serve(versions: Any, spec: Any, reason: str, words: str) -> None:
    world = World(*versions, **spec)
    await world.settle()
    conditions = await world.conditions()
    assert conditions["Stalled"] == ("True", reason)
    assert conditions["UpToDate"] == ("False", reason)
    assert conditions["Ready"] == ("False", "NothingServes")
    assert "Reconciling" not in conditions
    assert words in await world.says("Stalled")


async def test_what_serves_goes_on_while_the_spec_asks_for_what_is_not_there() -> None:
    world = World(version(1))
    await world.serving()
    await world.change(version=9)
    await world.settle()
    assert await world.weights() == {1: 100}
    assert (await world.conditions())["Ready"] == ("True", "Serving")
    assert (await world.conditions())["Stalled"] == ("True", "VersionNotUsable")
    await world.change(version=1)
    await world.settle()
    assert "Stalled" not in await world.conditions()


async def test_a_pin_is_an_approval() -> None:
    world = World(version(1, "Pending"), version=1)
    await world.settle()
    assert await world.weights() == {1: 100}


async def test_a_candidate_that_is_rejected_before_anything_serves_leaves_nothing() -> None:
    world = World(version(1))
    await world.step()
    await world.serve()
    await world.step()
    await world.route_taken()
    world.kube.put(version(1, "Rejected"))
    await world.settle()
    for kind in (HTTP_ROUTE, INFERENCE_SERVICE, SERVING_RUNTIME, JOB):
        assert await world.kube.list(kind, NAMESPACE) == [], kind


@pytest.mark.parametrize("missing", [INFERENCE_SERVICE, SERVING_RUNTIME])
async def test_without_kserve_it_says_so_and_looks_again(missing: Any) -> None:
    world = World(version(1), missing=(missing,))
    assert await world.step()
    assert (await world.conditions())["Stalled"] == ("True", "KServeNotInstalled")
    world.kube.missing.clear()
    await world.settle()
    assert await world.weights() == {1: 100}


async def test_kserve_that_is_taken_away_leaves_what_serves_and_is_told() -> None:
    world = World(version(1))
    await world.serving()
    world.kube.missing |= {INFERENCE_SERVICE, SERVING_RUNTIME}
    assert await world.step()
    assert (await world.conditions())["Stalled"] == ("True", "KServeNotInstalled")
    assert await world.weights() == {1: 100}


async def test_without_the_gateway_api_it_says_so_and_looks_again() -> None:
    world = World(version(1), missing=(GATEWAY, HTTP_ROUTE))
    await world.step()
    await world.serve()
    assert await world.step()
    conditions = await world.conditions()
    assert conditions["GatewayReady"] == ("False", "GatewayNotInstalled")
    assert conditions["Stalled"] == ("True", "GatewayNotInstalled")
    assert "install it" in await world.says("Stalled")
    world.kube.missing.clear()
    await world.settle()
    assert await world.weights() == {1: 100}


async def test_a_gateway_that_does_not_exist() -> None:
    world = World(version(1))
    world.kube.drop(GATEWAY, "envoy-gateway-system", "gw")
    await world.settle()
    conditions = await world.conditions()
    assert conditions["Stalled"] == ("True", "GatewayNotFound")
    assert conditions["Ready"][0] == "False"
    assert "mend spec.router.gatewayRef" in await world.says("Stalled")


async def test_a_gateway_that_refuses_the_route() -> None:
    world = World(version(1))
    for _ in range(4):
        await world.step()
        await world.serve()
        await world.route_taken("False")
    assert (await world.conditions())["GatewayReady"] == ("False", "RouteRefused")
    assert (await world.conditions())["Stalled"] == ("True", "RouteRefused")


async def test_a_route_of_our_name_that_is_not_ours_is_left_alone() -> None:
    world = World(version(1))
    theirs = {"kind": "HTTPRoute", "metadata": {"namespace": NAMESPACE, "name": NAME}, "spec": {"rules": []}}
    stored = world.kube.put(theirs)
    assert await world.step()
    assert (await world.conditions())["Stalled"] == ("True", "NameTaken")
    assert f"HTTPRoute {NAME} exists" in await world.says("Stalled")
    await world.settle()
    assert await world.kube.get(HTTP_ROUTE, NAMESPACE, NAME) == stored


async def test_a_route_that_someone_put_in_ours_place_is_not_adopted_either() -> None:
    world = World(version(1))
    await world.serving()
    world.kube.drop(HTTP_ROUTE, NAMESPACE, NAME)
    stored = world.kube.put({"kind": "HTTPRoute", "metadata": {"namespace": NAMESPACE, "name": NAME}, "spec": {}})
    await world.step()
    await world.step()
    assert await world.kube.get(HTTP_ROUTE, NAMESPACE, NAME) == stored
    assert len(await world.services()) == 1


async def test_what_a_deleted_deployment_of_the_same_name_left_is_not_adopted() -> None:
    world = World(version(1))
    await world.serving()
    world.kube.put((await world.get()) | {"metadata": (await world.get())["metadata"] | {"uid": "another"}})
    await world.wipe()
    world.kube.drop(HTTP_ROUTE, NAMESPACE, NAME)
    before = [write for write in world.kube.writes if write.kind != "ModelDeployment"]
    assert await world.step()
    assert (await world.conditions())["Stalled"] == ("True", "NameTaken")
    assert [write for write in world.kube.writes if write.kind != "ModelDeployment"] == before


async def test_a_part_that_the_cluster_refuses_is_told_with_its_words() -> None:
    world = World(version(1))
    await world.serving()
    await world.change(serving={"env": [{"name": "A", "value": "1"}]})
    world.kube.apply = refuse  # type: ignore[method-assign,assignment]
    assert await world.step()
    assert (await world.conditions())["Stalled"] == ("True", "ChildRefused")
    assert "servingruntimes x: limits must not be below requests" in await world.says("Stalled")
    assert (await world.conditions())["Ready"] == ("True", "Serving")


async def refuse(*_: object, **__: object) -> None:
    raise Invalid("servingruntimes x: limits must not be below requests")


async def test_a_first_version_whose_golden_rows_differ_stalls_with_the_difference() -> None:
    world = World(version(1))
    for _ in range(4):
        await world.step()
        await world.serve()
        await world.route_taken()
    await world.preflight("Failed", said=outcome("row 3: 0.1, not 0.2."))
    await world.step()
    assert (await world.conditions())["Stalled"] == ("True", "RevisionFailed")
    assert (await world.conditions())["Ready"] == ("False", "NothingServes")


async def test_more_replicas_are_no_rollout() -> None:
    world = World(version(1))
    await world.serving()
    await world.change(serving={"replicas": 3})
    await world.settle()
    assert len(await world.services()) == 1
    service = (await world.kube.list(INFERENCE_SERVICE, NAMESPACE))[0]
    assert service["spec"]["predictor"]["minReplicas"] == 3


@pytest.mark.parametrize("serving", [{"image": "x/y:1"}, {"env": [{"name": "A", "value": "1"}]}])
async def test_what_reaches_the_pod_is_a_rollout(serving: dict[str, Any]) -> None:
    world = World(version(1))
    await world.serving()
    await world.change(serving=serving)
    await world.step()
    assert (await world.status())["canary"]["version"] == 1
    assert len(await world.kube.list(CONTROLLER_REVISION, NAMESPACE)) == 2


async def test_an_upgrade_of_the_operator_changes_no_revision() -> None:
    world = World(version(1))
    await world.serving()
    world.settings = world.settings.model_copy(update={"trainer_image": "localhost/perennial-trainer:two"})
    world.start()
    before = len(world.kube.writes)
    await world.step()
    assert world.kube.writes[before:] == []


async def test_evidence_that_warms_up_is_why_the_canary_waits() -> None:
    world = World(version(1))
    await world.serving()
    world.kube.put(version(2))
    await world.until_followed(-1)
    world.analysis.says(Verdict.HOLD, reason="WarmingUp", message="3 of 600 s.", first_step=None)
    await world.step()
    assert (await world.conditions())["Reconciling"] == ("True", "WarmingUp")
    assert world.analysis.reading is not None
    world.analysis.reading = replace(world.analysis.reading, reason="TimeCapReached", first_step=0)
    await world.step()
    assert (await world.status())["canary"]["weight"] == 10
