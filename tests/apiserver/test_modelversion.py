"""Versions against a real apiserver, as the operator's own service account."""

from __future__ import annotations

import json
from typing import Any

import pytest

from perennial.controllers.modelversion import ModelVersionReconciler
from perennial.ports.kinds import JOB, MODEL_DEPLOYMENT, MODEL_VERSION, TRAINING_RUN
from perennial.ports.kube import KubeClient, Object
from tests.apiserver import playing
from tests.apiserver.support import Kubectl

NAME = "flights-1"


def manifest(namespace: str, **spec: Any) -> Object:
    artifact = {"uri": "pvc://models/imported", "sha256": playing.SHA}
    body: Object = {"modelName": "flights", "version": 1, "artifact": artifact, "approval": {"decision": "Approved"}}
    return {"metadata": {"namespace": namespace, "name": NAME}, "spec": body | spec}


class World:
    """One version; `turn` is one pass of the operator, with its permissions."""

    def __init__(self, kube: KubeClient, operator: KubeClient, namespace: str) -> None:
        self.kube, self.namespace, self.clock = kube, namespace, playing.clock()
        events = playing.recorder(operator, self.clock)
        self.reconciler = ModelVersionReconciler(operator, self.clock, playing.SETTINGS, events)

    async def make(self, **spec: Any) -> None:
        await playing.make_claim(self.kube, self.namespace, "models")
        await self.kube.create(MODEL_VERSION, manifest(self.namespace, **spec))

    async def turn(self) -> float | None:
        return await playing.one_pass(self.reconciler, self.namespace, NAME)

    async def version(self) -> Object:
        version = await self.kube.get(MODEL_VERSION, self.namespace, NAME)
        assert version is not None
        return version

    async def jobs(self) -> list[Object]:
        return await self.kube.list(JOB, self.namespace)

    async def verify_with(self, digest: str) -> None:
        (job,) = await self.jobs()
        text = json.dumps({"outcome": "Succeeded", "artifact": {"sha256": digest, "sizeBytes": 1}})
        await playing.make_pod(self.kube, job, playing.ended("verify", 0, text))
        await playing.end_job(self.kube, job, "Complete")


@pytest.fixture
def world(kube: KubeClient, operator_kube: KubeClient, namespace: str) -> World:
    return World(kube, operator_kube, namespace)


async def test_an_import_is_verified_by_a_job_that_goes(world: World) -> None:
    await world.make()
    await world.turn()
    assert playing.condition(await world.version(), "Reconciling") == ("True", "Verifying")
    await world.verify_with(playing.SHA)
    await world.turn()
    version = await world.version()
    assert playing.condition(version, "Verified") == ("True", "DigestChecked")
    assert playing.condition(version, "Ready") == ("True", "Usable")
    assert await world.jobs() == []
    await world.turn()
    assert await world.version() == version
    assert await world.jobs() == []


async def test_other_bytes_are_not_usable(world: World) -> None:
    await world.make()
    await world.turn()
    await world.verify_with("00" * 32)
    await world.turn()
    version = await world.version()
    assert playing.condition(version, "Stalled") == ("True", "DigestMismatch")
    assert playing.condition(version, "Ready") == ("False", "NotVerified")


async def test_moved_bytes_are_looked_for_where_they_are(world: World, kubectl: Kubectl) -> None:
    await world.make()
    await world.turn()
    (before,) = await world.jobs()
    change = json.dumps({"spec": {"artifact": {"uri": "pvc://models/moved"}}})
    kubectl("-n", world.namespace, "patch", "modelversion", NAME, "--type=merge", "-p", change)
    await world.turn()
    (after,) = await world.jobs()
    assert after["metadata"]["name"] != before["metadata"]["name"]


async def test_a_run_that_did_not_make_it_is_not_believed(world: World) -> None:
    await world.make(trainingRunRef={"name": "never", "uid": "4f9c2a51-0000-4000-8000-000000000001"})
    await world.turn()
    assert playing.condition(await world.version(), "Verified") == ("Unknown", "Verifying")
    assert len(await world.jobs()) == 1


async def test_its_own_run_is_believed(world: World) -> None:
    spec = {
        "modelName": "flights",
        "data": {"uri": "pvc://flights-data/january.csv"},
        "trainer": {"command": ["./train"]},
        "output": {"storageUri": "pvc://models"},
    }
    head = {"namespace": world.namespace, "name": "flights-january"}
    run = await world.kube.create(TRAINING_RUN, {"metadata": head, "spec": spec})
    await world.make(trainingRunRef={"name": "flights-january", "uid": run["metadata"]["uid"]})
    assert await world.turn() == 5
    assert await world.jobs() == []
    conditions = [
        {"type": kind, "status": "True", "reason": reason, "message": "x", "lastTransitionTime": playing.stamp()}
        for kind, reason in (("Succeeded", "Completed"), ("GatesPassed", "NoGates"))
    ]
    reference = {"name": NAME, "uid": (await world.version())["metadata"]["uid"]}
    status = {"conditions": conditions, "modelVersionRef": reference, "metric": "roc_auc=0.912"}
    await world.kube.apply_status(TRAINING_RUN, {"metadata": head, "status": status}, manager="test")
    await world.turn()
    version = await world.version()
    assert playing.condition(version, "Verified") == ("True", "DigestFromRun")
    assert playing.condition(version, "GatesPassed") == ("True", "NoGates")
    assert version["status"]["metric"] == "roc_auc=0.912"
    assert await world.jobs() == []


async def test_deployments_that_serve_it_are_named(world: World, kubectl: Kubectl) -> None:
    await world.make()
    head = {"namespace": world.namespace, "name": "flights"}
    router = {"gatewayRef": {"name": "gw"}, "hostname": "flights.localhost"}
    spec = {"modelName": "flights", "version": 1, "router": router}
    await world.kube.create(MODEL_DEPLOYMENT, {"metadata": head, "spec": spec})
    stable = {"version": 1, "revision": "abc", "inferenceService": "flights-abc"}
    await world.kube.apply_status(MODEL_DEPLOYMENT, {"metadata": head, "status": {"stable": stable}}, manager="test")
    await world.turn()
    version = await world.version()
    assert version["status"]["inUseBy"] == ["flights"]
    columns = kubectl("-n", world.namespace, "get", "modelversions").splitlines()
    assert columns[0].split() == ["NAME", "MODEL", "VERSION", "APPROVAL", "VERIFIED", "IN-USE", "METRIC", "AGE"]
    assert "flights (stable)" in columns[1]


async def test_the_claim_comes_later(world: World) -> None:
    await world.kube.create(MODEL_VERSION, manifest(world.namespace))
    assert await world.turn() == 5
    assert playing.condition(await world.version(), "Verified") == ("Unknown", "ArtifactNotFound")
    assert await world.jobs() == []
    await playing.make_claim(world.kube, world.namespace, "models")
    await world.turn()
    assert len(await world.jobs()) == 1
