"""What can go wrong with a version, on a real apiserver and as the operator's own service account."""

from __future__ import annotations

import json

import pytest

from perennial.ports.kinds import JOB, MODEL_DEPLOYMENT, MODEL_VERSION, POD
from perennial.ports.kube import KubeClient, Object
from tests.apiserver import playing
from tests.apiserver.support import Kubectl
from tests.apiserver.test_modelversion import NAME, World, manifest

GOOD = json.dumps({"outcome": "Succeeded", "artifact": {"sha256": playing.SHA, "sizeBytes": 1}})


@pytest.fixture
def world(kube: KubeClient, operator_kube: KubeClient, namespace: str) -> World:
    return World(kube, operator_kube, namespace)


async def test_a_pod_with_our_labels_verifies_nothing(world: World) -> None:
    await world.make()
    await world.turn()
    (job,) = await world.jobs()
    head = {"namespace": world.namespace, "name": "forged"}
    template = job["spec"]["template"]
    await world.kube.create(
        POD, {"metadata": {**head, "labels": template["metadata"]["labels"]}, "spec": template["spec"]}
    )
    said = playing.ended("verify", 0, GOOD)
    await world.kube.apply_status(POD, {"metadata": head, "status": said}, manager="kubelet")
    await playing.end_job(world.kube, job, "Complete")
    await world.turn()
    assert playing.condition(await world.version(), "Verified") == ("False", "VerificationFailed")


async def test_an_evicted_verification_is_done_again_by_its_job(world: World) -> None:
    await world.make()
    await world.turn()
    (job,) = await world.jobs()
    evicted = {"phase": "Failed", "reason": "Evicted", "message": "The node was low on resource: memory."}
    await playing.make_pod(world.kube, job, evicted)
    await world.turn()
    assert playing.condition(await world.version(), "Verified") == ("Unknown", "Verifying")
    await playing.make_pod(world.kube, job, playing.ended("verify", 0, GOOD), index=1)
    await playing.end_job(world.kube, job, "Complete")
    await world.turn()
    assert playing.condition(await world.version(), "Ready") == ("True", "Usable")


async def test_bytes_that_are_put_right_are_found_by_the_next_verification(world: World) -> None:
    await world.make()
    await world.turn()
    (job,) = await world.jobs()
    said = json.dumps({"outcome": "Failed", "reason": "ArtifactNotFound", "message": "no manifest.json"})
    await playing.make_pod(world.kube, job, playing.ended("verify", 65, said))
    await playing.end_job(world.kube, job, "Failed", "PodFailurePolicy")
    await world.turn()
    assert playing.condition(await world.version(), "Stalled") == ("True", "ArtifactNotFound")
    world.clock.advance(301)
    await world.turn()
    await remove(world)
    await world.turn()
    assert playing.condition(await world.version(), "Stalled") == ("True", "ArtifactNotFound")
    await world.verify_with(playing.SHA)
    await world.turn()
    assert playing.condition(await world.version(), "Ready") == ("True", "Usable")


async def remove(world: World) -> None:
    """The garbage collector takes the pods of Jobs that are gone."""
    jobs = {each["metadata"]["uid"] for each in await world.jobs()}
    for pod in await world.kube.list(POD, world.namespace):
        if pod["metadata"]["ownerReferences"][0]["uid"] not in jobs:
            await world.kube.delete(POD, pod)


async def test_a_job_of_that_name_is_not_adopted(world: World, kubectl: Kubectl) -> None:
    await world.make()
    await world.turn()
    (job,) = await world.jobs()
    kubectl("-n", world.namespace, "delete", "job", job["metadata"]["name"])
    pod = {"restartPolicy": "Never", "containers": [{"name": "other", "image": "other"}]}
    head = {"namespace": world.namespace, "name": job["metadata"]["name"]}
    theirs = await world.kube.create(JOB, {"metadata": head, "spec": {"template": {"spec": pod}}})
    await world.turn()
    assert playing.condition(await world.version(), "Stalled") == ("True", "NameTaken")
    assert await world.jobs() == [theirs]
    kubectl("-n", world.namespace, "delete", "job", job["metadata"]["name"])
    await world.turn()
    assert playing.condition(await world.version(), "Reconciling") == ("True", "Verifying")


async def test_a_lost_status_is_found_again_from_the_bytes(world: World, kubectl: Kubectl) -> None:
    await world.make()
    await world.turn()
    await world.verify_with(playing.SHA)
    await world.turn()
    what = '[{"op": "remove", "path": "/status"}]'
    names = ("-n", world.namespace, "patch", "modelversion", NAME)
    kubectl(*names, "--subresource=status", "--type=json", "-p", what)
    await remove(world)
    await world.turn()
    assert playing.condition(await world.version(), "Ready") == ("False", "NotVerified")
    await world.verify_with(playing.SHA)
    await world.turn()
    assert playing.condition(await world.version(), "Ready") == ("True", "Usable")


async def test_a_version_that_is_deleted_and_made_again_is_verified_anew(world: World, kubectl: Kubectl) -> None:
    await world.make()
    await world.turn()
    await world.verify_with(playing.SHA)
    await world.turn()
    kubectl("-n", world.namespace, "delete", "modelversion", NAME)
    other = {"uri": "pvc://models/other", "sha256": "00" * 32}
    await world.kube.create(MODEL_VERSION, manifest(world.namespace, artifact=other))
    await remove(world)
    await world.turn()
    assert playing.condition(await world.version(), "Verified") == ("Unknown", "Verifying")
    assert len(await world.jobs()) == 1


async def test_a_version_in_use_can_be_deleted_and_its_deployment_keeps_its_word(world: World) -> None:
    await world.make()
    await world.turn()
    head = {"namespace": world.namespace, "name": "flights"}
    spec = {"modelName": "flights", "version": 1, "router": {"gatewayRef": {"name": "gw"}, "hostname": "a.localhost"}}
    await world.kube.create(MODEL_DEPLOYMENT, {"metadata": head, "spec": spec})
    stable: Object = {"version": 1, "revision": "abc", "inferenceService": "flights-abc"}
    await world.kube.apply_status(MODEL_DEPLOYMENT, {"metadata": head, "status": {"stable": stable}}, manager="test")
    await world.turn()
    assert (await world.version())["status"]["inUseBy"] == ["flights"]
    await world.kube.delete(MODEL_VERSION, await world.version())
    assert await world.turn() is None
    deployment = await world.kube.get(MODEL_DEPLOYMENT, world.namespace, "flights")
    assert deployment is not None
    assert deployment["status"]["stable"]["version"] == 1
