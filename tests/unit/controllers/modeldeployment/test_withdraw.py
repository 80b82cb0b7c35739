"""What is not the model's fault takes a canary out and is held against nobody; what is its fault is remembered."""

from __future__ import annotations

from typing import Any

import pytest

from perennial.ports.kinds import JOB, POD
from perennial.rollout import Verdict
from tests.unit.controllers.modeldeployment.objects import NAMESPACE, condition, outcome, version
from tests.unit.controllers.modeldeployment.world import World

TARGETED = condition("DisruptionTarget", "True") | {"reason": "EvictionByEvictionAPI", "message": "drained"}
UNREADY = condition("Ready", "False")
RUNNING = {"name": "kserve-container", "ready": True, "restartCount": 0}
UNSCHEDULABLE = condition("PodScheduled", "False") | {"reason": "Unschedulable", "message": "0/3 nodes"}

EVICTED: dict[str, Any] = {"status": {"phase": "Failed", "reason": "Evicted", "conditions": [UNREADY]}}
DELETED: dict[str, Any] = {"deletionTimestamp": "2026-01-01T00:00:30Z", "deletionGracePeriodSeconds": 30}
LOST: dict[str, Any] = {"status": {"conditions": [UNREADY], "containerStatuses": [RUNNING]}}
DRAINED: dict[str, Any] = {"status": {"conditions": [TARGETED, UNREADY]}}
ENDED = {"restartCount": 2, "ready": False, "lastState": {"terminated": {"exitCode": 1}}}
OOM = {"restartCount": 2, "ready": False, "lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}}
PROBE = {"restartCount": 0, "ready": False, "state": {"running": {}}}


async def service_of(world: World, role: str = "canary") -> str:
    return str((await world.status())[role]["inferenceService"])


async def pod_is(world: World, service: str, status: dict[str, Any] | None = None, **metadata: Any) -> None:
    pod = await world.kube.get(POD, NAMESPACE, f"{service}-pod")
    assert pod is not None
    world.kube.put({**pod, "metadata": {**pod["metadata"], **metadata}, "status": status or pod["status"]})


async def is_withdrawn(world: World, words: str) -> None:
    assert await world.weights() == {1: 100, 2: 0}
    assert (await world.conditions())["Reconciling"] == ("True", "Withdrawn")
    assert "Stalled" not in await world.conditions()
    said = await world.says("Reconciling")
    assert words in said
    assert "not held against it" in said
    assert (await world.outcomes())[2] != "RolledBack"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"status": EVICTED["status"]}, "(Evicted)"),
        (DELETED, "it is being deleted"),
        ({"status": LOST["status"]}, "its node does not report"),
        ({"status": DRAINED["status"]}, "drained"),
    ],
)
async def test_a_canary_whose_pod_is_taken_away_is_withdrawn(change: dict[str, Any], words: str) -> None:
    world = World(version(1))
    await world.in_traffic()
    await pod_is(world, await service_of(world), **change)
    await world.step()
    await is_withdrawn(world, words)
    assert [each["outcome"] for each in (await world.status())["history"]] == ["Withdrawn", "Deployed"]
    assert (await world.events())[-1] == "Withdrawn"


async def test_a_canary_without_any_pod_is_withdrawn() -> None:
    world = World(version(1))
    await world.in_traffic()
    world.kube.drop(POD, NAMESPACE, f"{await service_of(world)}-pod")
    await world.step()
    await is_withdrawn(world, "its pods are not there yet")


async def test_a_canary_whose_pod_was_replaced_is_withdrawn() -> None:
    world = World(version(1))
    await world.in_traffic()
    service = await service_of(world)
    world.kube.drop(POD, NAMESPACE, f"{service}-pod")
    world.clock.advance(5)
    await world.serve(ready=False)
    await world.step()
    await is_withdrawn(world, "they were replaced")


async def test_another_ready_pod_of_the_canary_keeps_it() -> None:
    world = World(version(1))
    await world.in_traffic()
    service = await service_of(world)
    pod = await world.kube.get(POD, NAMESPACE, f"{service}-pod")
    assert pod is not None
    world.kube.put({**pod, "metadata": {**pod["metadata"], "name": f"{service}-other"}})
    await pod_is(world, service, **DELETED)
    await world.step()
    assert await world.weights() == {1: 90, 2: 10}


async def test_vanished_series_are_no_rollback() -> None:
    world = World(version(1))
    await world.in_traffic()
    world.analysis.says(Verdict.WITHDRAW, message="Its series vanished while stable's went on.")
    await world.step()
    await is_withdrawn(world, "Its series vanished while stable's went on.")


async def test_an_unschedulable_canary_is_withdrawn_at_its_deadline_and_not_before() -> None:
    world = World(version(1))
    await world.serving()
    world.kube.put(version(2))
    await world.step()
    await world.serve(ready=False)
    await pod_is(world, await service_of(world), {"phase": "Pending", "conditions": [UNSCHEDULABLE]})
    world.clock.advance(599)
    await world.step()
    assert (await world.conditions())["Reconciling"] == ("True", "Preparing")
    world.clock.advance(2)
    await world.step()
    assert (await world.conditions())["Reconciling"] == ("True", "Withdrawn")
    assert "cannot be scheduled: 0/3 nodes" in await world.says("Reconciling")


async def after_preflight(world: World, said: str) -> None:
    await world.serving()
    world.kube.put(version(2))
    for _ in range(4):
        await world.step()
        await world.serve()
        await world.route_taken()
    await world.preflight("Failed", message="Job was too slow", said=said)
    await world.step()


@pytest.mark.parametrize("said", ["", outcome("No answer from it.", "NoAnswer")])
async def test_a_preflight_without_an_answer_is_tried_again(said: str) -> None:
    world = World(version(1))
    await after_preflight(world, said)
    await is_withdrawn_before_traffic(world)
    assert "came to no answer" in await world.says("Reconciling")
    await tried_again(world, 31)
    await world.until_followed(-1)


async def is_withdrawn_before_traffic(world: World) -> None:
    assert (await world.conditions())["Reconciling"] == ("True", "Withdrawn")
    assert {v: w for v, w in (await world.weights()).items() if w} == {1: 100}


async def tried_again(world: World, seconds: float) -> None:
    await world.play()
    await world.settle()
    assert len(await world.services()) == 1, "nothing is left of the last try"
    assert await world.kube.list(JOB, NAMESPACE) == []
    world.clock.advance(seconds - 2)
    await world.step()
    assert "canary" not in await world.status()
    world.clock.advance(2)
    await world.step()
    assert (await world.status())["canary"]["version"] == 2


async def test_a_wrong_answer_is_remembered() -> None:
    world = World(version(1))
    await after_preflight(world, outcome("row 3: 0.1, not 0.2"))
    assert (await world.conditions())["Stalled"] == ("True", "RolledBack")


@pytest.mark.parametrize("container", [ENDED, OOM])
async def test_what_the_model_did_is_remembered_though_its_pod_goes_too(container: dict[str, Any]) -> None:
    world = World(version(1))
    await world.in_traffic()
    await world.pod(await service_of(world), **container)
    await world.step()
    assert (await world.conditions())["Stalled"] == ("True", "RolledBack")
    assert (await world.outcomes())[2] == "RolledBack"


async def test_a_failing_probe_is_left_to_the_evidence_and_the_deadline() -> None:
    world = World(version(1))
    await world.in_traffic()
    await world.pod(await service_of(world), **PROBE)
    world.clock.advance(5)
    await world.step()
    assert await world.weights() == {1: 90, 2: 10}


async def test_each_time_it_waits_longer_and_a_restart_changes_nothing() -> None:
    world = World(version(1))
    waits = []
    for _ in range(8):
        world.analysis.watched = None
        if "canary" not in await world.status() or (await world.status())["canary"]["weight"] == 0:
            await (world.until_followed(0, first=True) if waits else world.in_traffic())
        await pod_is(world, await service_of(world), **DELETED)
        await world.step()
        withdrawn = (await world.status())["withdrawn"]
        waits.append(withdrawn["times"])
        at = withdrawn["retryAt"]
        world.start()
        await world.play()
        await world.settle()
        assert (await world.status())["withdrawn"]["retryAt"] == at
        world.clock.advance(1801)
    assert waits == [1, 2, 3, 4, 5, 6, 7, 8]
    history = [each["outcome"] for each in (await world.status())["history"]]
    assert history == ["Withdrawn", "Deployed"], "one line for all of them"


@pytest.mark.parametrize(("times", "seconds"), [(1, 30), (2, 60), (5, 480), (7, 1800), (40, 1800)])
async def test_the_wait_doubles_and_has_a_bound(times: int, seconds: int) -> None:
    world = World(version(1))
    await world.in_traffic()
    if times > 1:
        obj = await world.get()
        canary = {k: v for k, v in obj["status"]["canary"].items() if k in ("version", "revision", "inferenceService")}
        past = {**canary, "times": times - 1, "retryAt": "2020-01-01T00:00:00Z", "message": "Before."}
        world.kube.put({**obj, "status": {**obj["status"], "withdrawn": past}})
    await pod_is(world, await service_of(world), **DELETED)
    await world.step()
    await world.play()
    await world.settle()
    await tried_again(world, seconds)


async def withdrawn_canary() -> tuple[World, str]:
    """It was withdrawn, and nothing is left of it; its revision."""
    world = World(version(1))
    await world.in_traffic()
    canary = (await world.status())["canary"]
    await pod_is(world, canary["inferenceService"], **DELETED)
    await world.step()
    await world.play()
    await world.settle()
    return world, canary["revision"]


async def test_a_promotion_by_hand_does_not_wait() -> None:
    world, revision = await withdrawn_canary()
    await world.change(rollout={"promote": revision})
    await world.step()
    assert (await world.status())["canary"]["version"] == 2


async def test_another_version_does_not_wait() -> None:
    world, _ = await withdrawn_canary()
    world.kube.put(version(3))
    await world.step()
    status = await world.status()
    assert status["canary"]["version"] == 3
    assert "withdrawn" not in status


async def test_no_request_goes_back_to_a_stable_version_without_pods() -> None:
    world = World(version(1))
    await world.in_traffic()
    for role in ("stable", "canary"):
        world.kube.drop(POD, NAMESPACE, f"{await service_of(world, role)}-pod")
    await world.step()
    assert await world.weights() == {1: 100, 2: 0}, "neither has one: where it came from is as good"


async def test_a_crash_after_the_route_withdraws_again() -> None:
    world = World(version(1))
    await world.in_traffic()
    before = await world.get()
    await pod_is(world, await service_of(world), **DELETED)
    await world.step()
    world.kube.put(before)
    world.start()
    await world.step()
    await is_withdrawn(world, "it is being deleted")
    assert (await world.status())["withdrawn"]["times"] == 1


async def test_the_times_without_a_pod_are_kept_while_two_are_compared() -> None:
    world = World(version(1))
    await world.in_traffic()
    stable = await service_of(world, "stable")
    pod = await world.kube.get(POD, NAMESPACE, f"{stable}-pod")
    assert pod is not None
    world.kube.put({**pod, "metadata": {**pod["metadata"], "name": f"{stable}-other"}})
    await pod_is(world, stable, **DELETED)
    await world.step()
    (open_,) = (await world.status())["disturbances"]
    assert open_ == {"since": "2026-01-01T00:00:00Z"}
    world.kube.drop(POD, NAMESPACE, f"{stable}-pod")
    world.clock.advance(7)
    await world.step()
    (closed,) = (await world.status())["disturbances"]
    assert closed["since"] == "2026-01-01T00:00:00Z"
    assert closed["until"] > closed["since"]
    world.analysis.says(Verdict.ROLL_BACK)
    await world.step()
    assert (await world.status())["disturbances"] == []


@pytest.mark.parametrize(("since", "kept"), [("2026-01-01T00:00:00Z", True), ("2020-01-01T00:00:00Z", False)])
async def test_an_evicted_pod_is_left_out_once_and_one_of_long_ago_not_at_all(since: str, kept: bool) -> None:
    world = World(version(1))
    await world.in_traffic()
    stable = await service_of(world, "stable")
    pod = await world.kube.get(POD, NAMESPACE, f"{stable}-pod")
    assert pod is not None
    over = {**EVICTED["status"], "conditions": [UNREADY | {"lastTransitionTime": since}]}
    evicted = {**pod["metadata"], "name": f"{stable}-evicted", "creationTimestamp": since}
    world.kube.put({**pod, "metadata": evicted, "status": over})
    for _ in range(3):
        await world.step()
    told = (await world.status())["disturbances"]
    assert told == ([{"since": since, "until": since}] if kept else [])
