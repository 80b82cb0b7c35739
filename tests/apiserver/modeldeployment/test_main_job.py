"""The main job of a ModelDeployment on a real apiserver, under the real schemas of KServe and the Gateway API."""

from __future__ import annotations

from perennial.ports.kinds import CONTROLLER_REVISION, HTTP_ROUTE, MODEL_DEPLOYMENT, MODEL_VERSION
from perennial.rollout import Verdict
from tests.apiserver.modeldeployment.stage import NAME, Stage

STEADY = {
    "Ready": ("True", "Serving"),
    "UpToDate": ("True", "TargetServes"),
    "GatewayReady": ("True", "RouteAccepted"),
}


async def first(stage: Stage, **spec: object) -> None:
    await stage.release(1)
    await stage.deploy(**spec)
    await stage.settle()
    assert await stage.weights() == {1: 100}


async def canary(stage: Stage, number: int = 2) -> None:
    await stage.release(number)
    await stage.until_followed(-1)
    stage.analysis.says(Verdict.HOLD)
    await stage.until_followed(0)
    assert (await stage.weights())[number] == 10


async def test_the_main_job(stage: Stage) -> None:
    await first(stage, scaleDownSeconds=60)
    assert await stage.conditions() == STEADY
    await canary(stage)
    stage.analysis.says(Verdict.ADVANCE)
    await stage.until_followed(1)
    assert await stage.weights() == {1: 50, 2: 50}
    stage.analysis.says(Verdict.PROMOTE)
    await stage.settle()
    assert await stage.weights() == {1: 0, 2: 100}
    assert await stage.conditions() == STEADY
    stage.clock.advance(61)
    await stage.settle()
    assert await stage.weights() == {2: 100}
    await canary(stage, 3)
    stage.analysis.says(Verdict.ROLL_BACK, message="It is worse.")
    await stage.step()
    assert await stage.weights() == {2: 100, 3: 0}
    await stage.play()
    await stage.settle()
    assert (await stage.conditions())["Stalled"] == ("True", "RolledBack")
    status = await stage.status()
    assert [each["outcome"] for each in status["history"]] == ["RolledBack", "Promoted", "Deployed"]
    kinds = sorted(each["kind"] for each in await stage.children())
    assert kinds == [*["ControllerRevision"] * 3, "HTTPRoute", "InferenceService", "ServingRuntime"]


async def test_two_passes_over_the_same_world_write_nothing(stage: Stage) -> None:
    await first(stage)
    await assert_idle(stage)
    await canary(stage)
    stage.analysis.says(Verdict.HOLD)
    await stage.step()
    await assert_idle(stage)
    stage.analysis.says(Verdict.ROLL_BACK)
    await stage.settle()
    await assert_idle(stage)


async def assert_idle(stage: Stage) -> None:
    before = await stage.versions()
    for _ in range(2):
        await stage.step()
    assert await stage.versions() == before


async def test_all_that_is_made_goes_with_its_owner(stage: Stage) -> None:
    await first(stage)
    await stage.release(2)
    await stage.until_followed(-1)
    uid = (await stage.get())["metadata"]["uid"]
    children = await stage.children()
    assert {each["kind"] for each in children} == {
        "HTTPRoute",
        "InferenceService",
        "ServingRuntime",
        "ControllerRevision",
        "Job",
    }
    assert all([owner["uid"] for owner in each["metadata"]["ownerReferences"]] == [uid] for each in children)
    assert "finalizers" not in (await stage.get())["metadata"]
    await stage.admin.delete(MODEL_DEPLOYMENT, await stage.get())
    before = [each["metadata"]["resourceVersion"] for each in await stage.children()]
    await stage.step()
    assert [each["metadata"]["resourceVersion"] for each in await stage.children()] == before


async def test_a_candidate_that_is_rejected_before_anything_serves_leaves_its_record_only(stage: Stage) -> None:
    await stage.release(1)
    await stage.deploy()
    await stage.step()
    await stage.play()
    await stage.step()
    made = await stage.admin.get(MODEL_VERSION, stage.namespace, "late-1")
    assert made is not None
    spec = {**made["spec"], "approval": {"decision": "Rejected"}}
    metadata = {"namespace": stage.namespace, "name": "late-1"}
    await stage.admin.apply(MODEL_VERSION, {"metadata": metadata, "spec": spec}, manager="person")
    await stage.settle()
    assert [each["kind"] for each in await stage.children()] == ["ControllerRevision"]
    assert (await stage.conditions())["Stalled"] == ("True", "NoVersion")


async def test_a_role_that_is_over_is_taken_off_the_record(stage: Stage) -> None:
    await first(stage)
    await canary(stage)
    stage.analysis.says(Verdict.ROLL_BACK)
    await stage.settle()
    records = await stage.admin.list(CONTROLLER_REVISION, stage.namespace)
    labels = {each["data"]["version"]: each["metadata"]["labels"] for each in records}
    assert labels[1]["perennial.dev/role"] == "stable"
    assert "perennial.dev/role" not in labels[2]
    assert labels[2]["perennial.dev/outcome"] == "RolledBack"
    route = await stage.admin.get(HTTP_ROUTE, stage.namespace, NAME)
    assert route is not None
    assert "perennial.dev/rolled-back" not in route["metadata"]["annotations"]


async def test_the_same_yaml_again_and_again_changes_nothing(stage: Stage) -> None:
    await first(stage)
    await canary(stage)
    await stage.settle()
    generation = (await stage.get())["metadata"]["generation"]
    await stage.deploy()
    before = await stage.versions()
    await stage.step()
    assert await stage.versions() == before
    assert (await stage.get())["metadata"]["generation"] == generation


async def test_a_lost_status_is_rebuilt(stage: Stage) -> None:
    await first(stage)
    await canary(stage)
    before = await stage.status()
    await stage.admin.apply_status(
        MODEL_DEPLOYMENT, {**(await stage.get()), "status": {"observedGeneration": 1}}, manager=stage.reconciler.manager
    )
    await stage.step()
    after = await stage.status()
    assert after["stable"] == before["stable"]
    assert after["canary"]["weight"] == 10
    assert await stage.weights() == {1: 90, 2: 10}
