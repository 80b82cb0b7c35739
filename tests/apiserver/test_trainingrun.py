"""Runs against a real apiserver, as the operator's own service account."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from perennial.ports.kinds import EVENT, JOB, MODEL_VERSION, TRAINING_RUN
from perennial.ports.kube import Invalid, KubeClient, Object
from tests.apiserver import playing
from tests.apiserver.support import Kubectl, OperatorProcess, eventually
from tests.apiserver.training import NAME, World, manifest


@pytest.fixture
def world(kube: KubeClient, operator_kube: KubeClient, namespace: str) -> World:
    return World(kube, operator_kube, namespace)


async def test_a_run_from_its_job_to_its_version(world: World) -> None:
    await world.make(approval="Automatic", ttlSecondsAfterFinished=600)
    await world.turn()
    assert playing.condition(await world.run(), "Reconciling") == ("True", "Pending")
    await world.end()
    await world.turn()
    run = await world.run()
    assert playing.condition(run, "Succeeded") == ("True", "Completed")
    assert playing.condition(run, "Reconciling") is None
    version = await world.kube.get(MODEL_VERSION, world.namespace, "flights-1")
    assert version is not None
    assert run["status"]["modelVersionRef"] == {"name": "flights-1", "uid": version["metadata"]["uid"]}
    assert version["spec"]["approval"]["decision"] == "Approved"
    assert "ownerReferences" not in version["metadata"]
    events = await world.kube.list(EVENT, world.namespace)
    assert {each["reason"] for each in events if each["regarding"]["name"] == NAME} == {"Pending", "Completed"}


async def test_the_job_goes_after_its_time_and_never_comes_back(world: World) -> None:
    await world.make(ttlSecondsAfterFinished=600)
    await world.turn()
    await world.end()
    await world.turn()
    world.clock.advance(30)
    left = await world.turn()
    assert left is not None
    assert 500 < left < 600
    world.clock.advance(600)
    await world.turn()
    assert await world.kube.get(JOB, world.namespace, NAME) is None
    before = await world.run()
    world.restart()
    await world.turn()
    assert await world.kube.get(JOB, world.namespace, NAME) is None
    assert await world.run() == before


async def test_a_crash_between_version_and_status_makes_no_second_version(world: World) -> None:
    await world.make()
    await world.turn()
    await world.end()
    status = (await world.run())["status"]
    await world.turn()
    await world.kube.apply_status(
        TRAINING_RUN,
        {"metadata": {"namespace": world.namespace, "name": NAME}, "status": status},
        manager=world.reconciler.manager,
    )
    assert playing.condition(await world.run(), "Succeeded") == ("Unknown", "Pending")
    world.restart()
    await world.turn()
    assert await world.versions() == ["flights-1"]
    assert playing.condition(await world.run(), "Succeeded") == ("True", "Completed")


async def test_a_pass_without_news_writes_nothing(world: World) -> None:
    await world.make()
    await world.turn()
    before = await world.run()
    await world.turn()
    assert await world.run() == before
    await world.end()
    await world.turn()
    before = await world.run()
    await world.turn()
    assert await world.run() == before


async def test_the_next_number_is_taken_from_all_versions(world: World, kube: KubeClient) -> None:
    imported = {
        "metadata": {"namespace": world.namespace, "name": "flights-41"},
        "spec": {"modelName": "flights", "version": 41, "artifact": {"uri": "pvc://models/x", "sha256": "00" * 32}},
    }
    await kube.create(MODEL_VERSION, imported)
    await world.make()
    await world.turn()
    await world.end()
    await world.turn()
    assert sorted(await world.versions()) == ["flights-41", "flights-42"]


async def test_a_job_of_that_name_is_not_adopted(world: World, kube: KubeClient) -> None:
    pod = {"restartPolicy": "Never", "containers": [{"name": "other", "image": "other"}]}
    other = {"metadata": {"namespace": world.namespace, "name": NAME}, "spec": {"template": {"spec": pod}}}
    theirs = await kube.create(JOB, other)
    await world.make()
    await world.turn()
    assert playing.condition(await world.run(), "Stalled") == ("True", "NameTaken")
    assert await world.job() == theirs


async def test_claims_that_come_later(world: World, kube: KubeClient) -> None:
    await kube.create(TRAINING_RUN, manifest(world.namespace))
    assert await world.turn() == 5
    assert playing.condition(await world.run(), "DataReady") == ("False", "DataNotFound")
    await playing.make_claim(kube, world.namespace, "flights-data")
    await world.turn()
    assert playing.condition(await world.run(), "Reconciling") == ("True", "OutputNotFound")
    await playing.make_claim(kube, world.namespace, "models")
    await world.turn()
    assert (await world.job())["metadata"]["name"] == NAME


async def test_gates_reject_the_version_not_the_training(world: World) -> None:
    await world.make(approval="Automatic", evaluation={"gates": [{"metric": "roc_auc", "min": "0.95"}]})
    await world.turn()
    await world.end()
    await world.turn()
    run = await world.run()
    assert playing.condition(run, "Succeeded") == ("True", "Completed")
    assert playing.condition(run, "GatesPassed") == ("False", "GateFailed")
    version = await world.kube.get(MODEL_VERSION, world.namespace, "flights-1")
    assert version is not None
    assert version["spec"]["approval"]["decision"] == "Rejected"
    assert version["spec"]["approval"]["by"] == "perennial"


@pytest.mark.parametrize(
    ("exit_code", "text", "reason", "expected", "words"),
    [
        (1, "Traceback\nKeyError: 'x'", "Error", "Failed", "KeyError: 'x'"),
        (137, "", "OOMKilled", "OutOfMemory", "trainer.resources.limits.memory"),
        (
            1,
            '{"outcome":"Failed","reason":"DataNotFound","message":"no january.csv"}',
            "Error",
            "DataNotFound",
            "no january.csv",
        ),
        (0, "{}", "Completed", "OutcomeInvalid", "docs/contracts.md"),
    ],
)
async def test_a_run_that_fails_says_why(
    world: World, exit_code: int, text: str, reason: str, expected: str, words: str
) -> None:
    await world.make()
    await world.turn()
    await world.end(exit_code, text, reason)
    await world.turn()
    run = await world.run()
    assert playing.condition(run, "Succeeded") == ("False", expected)
    assert playing.condition(run, "Stalled") == ("True", expected)
    assert words in playing.message(run, "Succeeded")
    assert await world.versions() == []


async def test_an_image_that_does_not_exist_is_said_while_kubernetes_tries(world: World) -> None:
    await world.make()
    await world.turn()
    status = playing.waiting("train", "ImagePullBackOff", 'Back-off pulling image "nobody/nothing:1"')
    await playing.make_pod(world.kube, await world.job(), status)
    await world.turn()
    run = await world.run()
    assert playing.condition(run, "Reconciling") == ("True", "ImageUnavailable")
    assert "nobody/nothing:1" in playing.message(run, "Succeeded")


async def test_quota_is_said_and_waited_out(world: World, kubectl: Kubectl) -> None:
    kubectl("-n", world.namespace, "create", "quota", "none", "--hard=count/jobs.batch=0")
    quota = ("-n", world.namespace, "get", "quota", "none", "-o", "jsonpath={.spec.hard}")
    assert "count/jobs.batch" in kubectl(*quota)
    kubectl(
        "-n", world.namespace, "patch", "quota", "none", "--subresource=status", "--type=merge",
        "-p", '{"status":{"hard":{"count/jobs.batch":"0"},"used":{"count/jobs.batch":"0"}}}',
    )  # fmt: skip
    await world.make()

    async def refused() -> bool:
        await world.turn()
        return playing.condition(await world.run(), "Stalled") == ("True", "ChildRefused")

    await eventually(refused, "the quota refuses the Job")
    assert "exceeded quota" in playing.message(await world.run(), "Succeeded")
    kubectl("-n", world.namespace, "delete", "quota", "none")

    async def made() -> bool:
        await world.turn()
        return await world.kube.get(JOB, world.namespace, NAME) is not None

    await eventually(made, "the Job without the quota")
    assert playing.condition(await world.run(), "Stalled") is None


@pytest.mark.parametrize(
    "spec",
    [
        {"data": {"uri": "pvc://flights-data/../secrets/x.csv"}},
        {"output": {"storageUri": "pvc://models/.."}},
        {"data": {"uri": "s3://bucket/x.csv"}},
    ],
)
async def test_addresses_that_lead_elsewhere_are_refused(kube: KubeClient, namespace: str, spec: Any) -> None:
    with pytest.raises(Invalid):
        await kube.create(TRAINING_RUN, manifest(namespace, **spec))


async def test_a_name_too_long_for_its_job_is_refused(kube: KubeClient, namespace: str) -> None:
    with pytest.raises(Invalid, match="at most 63 characters"):
        await kube.create(TRAINING_RUN, manifest(namespace, "x" * 64))


async def test_the_operator_follows_a_run_by_its_watches(
    kube: KubeClient, namespace: str, start_operator: Callable[..., OperatorProcess]
) -> None:
    start_operator(namespaces=namespace)
    for claim in ("flights-data", "models"):
        await playing.make_claim(kube, namespace, claim)
    run = await kube.create(TRAINING_RUN, manifest(namespace, approval="Automatic"))

    async def job() -> Object | None:
        return await kube.get(JOB, namespace, NAME)

    async def pending() -> bool:
        found = await kube.get(TRAINING_RUN, namespace, NAME)
        return found is not None and playing.condition(found, "Reconciling") is not None

    made = await eventually(job, "the Job of the run", 40)
    await eventually(pending, "the status that follows the Job")
    assert made is not None
    text = playing.trained(namespace, run["metadata"]["uid"])
    await playing.make_pod(kube, made, playing.ended("train", 0, text))
    await playing.end_job(kube, made, "Complete")

    async def usable() -> bool:
        found = await kube.get(MODEL_VERSION, namespace, "flights-1")
        return found is not None and playing.condition(found, "Ready") == ("True", "Usable")

    await eventually(usable, "a version that may be deployed", 30)
    finished = await kube.get(TRAINING_RUN, namespace, NAME)
    assert finished is not None
    assert playing.condition(finished, "Succeeded") == ("True", "Completed")
