"""Whole passes over an in-memory apiserver; the test is kubelet and Job controller."""

from __future__ import annotations

import json
from typing import Any

from perennial.controllers.modelversion import ModelVersionReconciler
from perennial.core.clock import FakeClock
from perennial.core.events import EventRecorder
from perennial.core.settings import Settings
from perennial.ports.kinds import EVENT, JOB, MODEL_VERSION
from perennial.ports.kube_fake import RecordingKube

SETTINGS = Settings(trainer_image="trainer:1", namespace="perennial-system", pod_name="operator-0")


class World:
    """An imported version and the claim that it lies on."""

    def __init__(self, make: Any) -> None:
        self.make, self.clock = make, FakeClock(make.at(70))
        self.kube = RecordingKube(make.version(run_uid=None), make.claim("models"))
        events = EventRecorder(self.kube, self.clock, "operator-0")
        self.reconciler = ModelVersionReconciler(self.kube, self.clock, SETTINGS, events)

    async def turn(self) -> float | None:
        return (await self.reconciler.reconcile("flights", "flights-1")).requeue_after

    async def status(self) -> Any:
        version = await self.kube.get(MODEL_VERSION, "flights", "flights-1")
        return version["status"] if version else None

    async def verify_with(self, digest: str) -> None:
        (job,) = await self.kube.list(JOB, "flights")
        text = json.dumps({"outcome": "Succeeded", "artifact": {"sha256": digest, "sizeBytes": 1}})
        labels = {"perennial.dev/controller": "ModelVersion", "perennial.dev/name": "flights-1"}
        self.kube.put(self.make.ended(0, text, container="verify", owner=job["metadata"]["uid"], labels=labels))
        self.kube.put(job | {"status": self.make.job_end("Complete", seconds=75)})


async def test_an_import_is_verified_and_its_job_removed(make: Any) -> None:
    world = World(make)
    await world.turn()
    assert make.condition(await world.status(), "Reconciling") == ("True", "Verifying")
    await world.verify_with(make.sha)
    await world.turn()
    assert make.condition(await world.status(), "Verified") == ("True", "DigestChecked")
    assert make.condition(await world.status(), "Ready") == ("True", "Usable")
    assert await world.kube.list(JOB, "flights") == []
    writes = len(world.kube.writes)
    await world.turn()
    assert len(world.kube.writes) == writes
    assert {each["reason"] for each in await world.kube.list(EVENT, "flights")} == {"DigestChecked", "Usable"}


async def test_wrong_bytes_are_put_right(make: Any) -> None:
    world = World(make)
    await world.turn()
    await world.verify_with("00" * 32)
    assert await world.turn() is not None
    assert make.condition(await world.status(), "Stalled") == ("True", "DigestMismatch")
    world.clock.advance(400)
    assert await world.turn() == 1
    assert await world.kube.list(JOB, "flights") == []
    await world.turn()
    await world.verify_with(make.sha)
    await world.turn()
    assert make.condition(await world.status(), "Verified") == ("True", "DigestChecked")
    assert make.condition(await world.status(), "Stalled") is None


async def test_a_version_that_is_gone(make: Any) -> None:
    world = World(make)
    world.kube.drop(MODEL_VERSION, "flights", "flights-1")
    assert await world.turn() is None
    assert world.kube.writes == []
