"""What can go wrong with a run, on a real apiserver and as the operator's own service account."""

from __future__ import annotations

import json
from typing import Any

import pytest

from perennial.ports.kinds import EVENT, JOB, MODEL_VERSION, POD
from perennial.ports.kube import KubeClient, Object
from tests.apiserver import playing
from tests.apiserver.support import Kubectl
from tests.apiserver.training import NAME, World


@pytest.fixture
def world(kube: KubeClient, operator_kube: KubeClient, namespace: str) -> World:
    return World(kube, operator_kube, namespace)


async def pods(world: World) -> list[str]:
    return [each["metadata"]["name"] for each in await world.kube.list(POD, world.namespace)]


def artifact(**fields: Any) -> Object:
    return {"artifact": {"uri": "pvc://models/{namespace}/flights/{uid}/x", "sha256": playing.SHA} | fields}


FOLDER = "pvc://models/{namespace}/flights/{uid}"
WORST = {
    "no JSON": "\x1b[2Jboom",
    "escapes and bidi": {
        "outcome": "Failed",
        "reason": "ColumnMissing",
        "message": "\x1b[31mno\x1b[0m \u202ecolumn\n\x00",
    },
    "a lone surrogate": '{"outcome": "Failed", "reason": "X", "message": "\\ud800"}',
    "the operator's word": {"outcome": "Failed", "reason": "Completed", "message": "all is well"},
    "a reason of two words": {"outcome": "Failed", "reason": "no good", "message": "x"},
    "an invisible message": {"outcome": "Failed", "reason": "X", "message": "\u200b\u202e"},
    "out of the folder": artifact(uri=f"{FOLDER}/../x"),
    "out of the folder, escaped": artifact(uri=f"{FOLDER}/%2e%2e/x"),
    "another run's folder": artifact(uri="pvc://models/{namespace}/flights/another/x"),
    "another scheme": artifact(uri="s3://models/x"),
    "a line break in the address": artifact(uri=f"{FOLDER}/x\n"),
    "a digest of 3 letters": artifact(sha256="abc"),
    "a size beyond int64": artifact(sizeBytes=2**70),
    "a size that is true": artifact(sizeBytes=True),
    "metrics that are infinite": {"metrics": {"roc_auc": "1e999"}},
    "metrics that are numbers": '{"outcome": "Succeeded", "metrics": {"roc_auc": NaN}}',
    "hundreds of metrics": {"metrics": {f"m{each}": "1" for each in range(300)}},
    "a metric that is no word": {"metrics": {"ROC AUC\n": "1"}},
    "nested too deep": "[" * 4096,
    "cut at 4096 bytes": '{"outcome": "Succeeded", "padding": "' + "x" * 4059,
    "rows as text": {"lineage": {"dataRows": "27004"}},
    "fewer than no rows": {"lineage": {"dataRows": -1}},
}


@pytest.mark.parametrize("case", WORST)
async def test_a_hostile_outcome_fails_the_run_and_nothing_else(world: World, kubectl: Kubectl, case: str) -> None:
    await world.make()
    await world.turn()
    uid = (await world.run())["metadata"]["uid"]
    said = WORST[case]
    if not isinstance(said, str):
        said = playing.trained(world.namespace, uid, **said)
    await world.end(0, said.replace("{namespace}", world.namespace).replace("{uid}", uid))
    await world.turn()
    run = await world.run()
    stalled = playing.condition(run, "Stalled")
    assert stalled in [("True", "OutcomeInvalid"), ("True", "ColumnMissing"), ("True", "Failed")]
    assert playing.condition(run, "Succeeded") == ("False", stalled[1])
    assert playing.message(run, "Succeeded").isprintable()
    assert await world.versions() == []
    notes = [each["note"] for each in await world.kube.list(EVENT, world.namespace)]
    assert all(each.isprintable() for each in notes)
    assert stalled[1] in kubectl("-n", world.namespace, "get", "trainingruns")
    before = await world.run()
    await world.turn()
    assert await world.run() == before


async def test_a_pod_with_our_labels_has_nothing_to_say(world: World) -> None:
    await world.make()
    await world.turn()
    job = await world.job()
    uid = (await world.run())["metadata"]["uid"]
    for number, owner in enumerate(({"uid": "4f9c2a51-0000-4000-8000-00000000000a"}, {"controller": False})):
        await forge(world, job, number, owner, playing.trained(world.namespace, uid))
    await playing.end_job(world.kube, job, "Complete")
    await world.turn()
    assert playing.condition(await world.run(), "Succeeded") == ("False", "OutcomeInvalid")
    assert await world.versions() == []


async def forge(world: World, job: Object, number: int, owner: Object, text: str) -> None:
    """A pod that a person has given the labels of the Job's."""
    head = {"namespace": world.namespace, "name": f"forged-{number}"}
    by = {"apiVersion": "batch/v1", "kind": "Job", "name": NAME, "uid": job["metadata"]["uid"], "controller": True}
    template = job["spec"]["template"]
    metadata = {**head, "labels": template["metadata"]["labels"], "ownerReferences": [by | owner]}
    await world.kube.create(POD, {"metadata": metadata, "spec": template["spec"]})
    await world.kube.apply_status(POD, {"metadata": head, "status": playing.ended("train", 0, text)}, manager="kubelet")


async def test_a_failed_run_without_job_and_status_does_not_train_again(world: World, kubectl: Kubectl) -> None:
    await world.make(ttlSecondsAfterFinished=0)
    await world.turn()
    await world.end(65, '{"outcome":"Failed","reason":"DataNotFound","message":"no january.csv"}')
    await world.turn()
    world.clock.advance(1)
    await world.turn()
    assert await world.kube.get(JOB, world.namespace, NAME) is None
    before = await world.run()
    world.wipe(kubectl)
    world.restart()
    await world.turn()
    await world.turn()
    assert await world.kube.get(JOB, world.namespace, NAME) is None
    run = await world.run()
    for kind in ("Succeeded", "DataReady", "Stalled"):
        assert playing.message(run, kind) == playing.message(before, kind)
    assert run["status"]["completionTime"] == before["status"]["completionTime"]


async def test_a_succeeded_run_without_job_and_status_finds_its_version(world: World, kubectl: Kubectl) -> None:
    await world.make(ttlSecondsAfterFinished=0)
    await world.turn()
    await world.end()
    await world.turn()
    world.clock.advance(1)
    await world.turn()
    before = await world.run()
    world.wipe(kubectl)
    world.restart()
    await world.turn()
    run = await world.run()
    assert await world.versions() == ["flights-1"]
    assert run["status"]["modelVersionRef"] == before["status"]["modelVersionRef"]
    assert run["status"]["metrics"] == before["status"]["metrics"]
    assert playing.condition(run, "Succeeded") == ("True", "Completed")


async def test_a_pod_that_a_quota_forbids_is_said_and_comes_later(world: World) -> None:
    await world.make()
    left = await world.turn()
    assert left == 20
    world.clock.advance(21)
    await world.turn()
    run = await world.run()
    assert playing.condition(run, "Reconciling") == ("True", "PodNotCreated")
    assert "quota" in playing.message(run, "Succeeded")
    await playing.make_pod(world.kube, await world.job(), {"phase": "Running"})
    await world.turn()
    assert playing.condition(await world.run(), "Reconciling") == ("True", "Running")


async def test_an_evicted_pod_is_replaced_and_the_run_goes_on(world: World) -> None:
    await world.make()
    await world.turn()
    full = {"phase": "Failed", "reason": "Evicted", "message": "The node was low on resource: ephemeral-storage."}
    await playing.make_pod(world.kube, await world.job(), full)
    await world.turn()
    run = await world.run()
    assert playing.condition(run, "Reconciling") == ("True", "Retrying")
    assert "ephemeral-storage" in playing.message(run, "Succeeded")
    uid = run["metadata"]["uid"]
    done = playing.ended("train", 0, playing.trained(world.namespace, uid))
    await playing.make_pod(world.kube, await world.job(), done, index=1)
    await playing.end_job(world.kube, await world.job(), "Complete")
    await world.turn()
    assert playing.condition(await world.run(), "Succeeded") == ("True", "Completed")
    assert await world.versions() == ["flights-1"]


async def test_a_run_that_hangs_ends_at_its_deadline(world: World) -> None:
    await world.make(activeDeadlineSeconds=60)
    await world.turn()
    await playing.make_pod(world.kube, await world.job(), {"phase": "Running"})
    await world.turn()
    await playing.end_job(world.kube, await world.job(), "Failed", "DeadlineExceeded")
    await world.turn()
    run = await world.run()
    assert playing.condition(run, "Succeeded") == ("False", "DeadlineExceeded")
    assert "(60 s)" in playing.message(run, "Succeeded")


async def test_a_job_that_a_person_deleted_is_not_made_again(world: World, kubectl: Kubectl) -> None:
    await world.make()
    await world.turn()
    kubectl("-n", world.namespace, "delete", "job", NAME)
    await world.turn()
    assert playing.condition(await world.run(), "Stalled") == ("True", "JobLost")
    world.wipe(kubectl)
    await world.turn()
    assert playing.condition(await world.run(), "Stalled") == ("True", "JobLost")
    assert await world.kube.get(JOB, world.namespace, NAME) is None


async def test_the_numbers_have_run_out(world: World, kubectl: Kubectl) -> None:
    greatest = 2147483647
    spec = {"modelName": "flights", "version": greatest, "artifact": {"uri": "pvc://models/x", "sha256": "00" * 32}}
    head = {"namespace": world.namespace, "name": f"flights-{greatest}"}
    await world.kube.create(MODEL_VERSION, {"metadata": head, "spec": spec})
    await world.make()
    await world.turn()
    await world.end()
    assert await world.turn() == 5
    run = await world.run()
    assert playing.condition(run, "Stalled") == ("True", "NameTaken")
    assert f"flights-{greatest}" in playing.message(run, "Succeeded")
    kubectl("-n", world.namespace, "delete", "modelversion", f"flights-{greatest}")
    await world.turn()
    assert await world.versions() == ["flights-1"]


async def test_a_private_log_is_not_quoted(world: World) -> None:
    await world.make(trainer={"command": ["./train"], "logs": "Private"})
    await world.turn()
    (container,) = (await world.job())["spec"]["template"]["spec"]["containers"]
    assert container["terminationMessagePolicy"] == "File"
    await world.end(1, "password=hunter2")
    await world.turn()
    run = await world.run()
    assert "hunter2" not in json.dumps(run)
    assert "log is private" in playing.message(run, "Succeeded")
