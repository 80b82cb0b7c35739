"""A run that is over stays over, whatever becomes of its status and its Job."""

from __future__ import annotations

from typing import Any

import pytest

from perennial.controllers.trainingrun import TrainingRunReconciler
from perennial.controllers.trainingrun.memory import remembered
from perennial.core.clock import FakeClock
from perennial.core.events import EventRecorder
from perennial.core.settings import Settings
from perennial.ports.kinds import CONTROLLER_REVISION, JOB, TRAINING_RUN
from perennial.ports.kube import Forbidden
from perennial.ports.kube_fake import RecordingKube

SETTINGS = Settings(trainer_image="trainer:1", namespace="perennial-system", pod_name="operator-0")
NAME = "flights-january"


class World:
    """One run that has ended, and whose Job is gone; `wipe` takes its status away."""

    def __init__(self, make: Any) -> None:
        self.make, self.clock = make, FakeClock(make.at())
        run = make.run(ttlSecondsAfterFinished=0)
        self.kube = RecordingKube(run, make.claim("flights-data"), make.claim("models"))
        events = EventRecorder(self.kube, self.clock, "operator-0")
        self.reconciler = TrainingRunReconciler(self.kube, self.clock, SETTINGS, events)

    async def end(self, exit_code: int, text: str) -> Any:
        await self.turn()
        job = await self.kube.get(JOB, "flights", NAME)
        assert job is not None
        self.kube.put(self.make.ended(exit_code, text, owner=job["metadata"]["uid"]))
        self.kube.put(job | {"status": self.make.job_end("Failed" if exit_code else "Complete", failed=1)})
        self.clock.advance(61)
        await self.turn()
        await self.turn()
        assert await self.kube.get(JOB, "flights", NAME) is None
        return (await self.run())["status"]

    async def turn(self) -> None:
        await self.reconciler.reconcile("flights", NAME)

    async def run(self) -> Any:
        return await self.kube.get(TRAINING_RUN, "flights", NAME)

    async def wipe(self, **metadata: Any) -> None:
        run = await self.run()
        self.kube.put({**run, "status": {}, "metadata": {**run["metadata"], **metadata}})

    def made(self, kind: str) -> int:
        return sum((each.kind, each.verb) == (kind, "create") for each in self.kube.writes)


async def test_a_failed_run_does_not_train_again(make: Any) -> None:
    world = World(make)
    before = await world.end(65, '{"outcome":"Failed","reason":"DataNotFound","message":"no january.csv"}')
    await world.wipe()
    for _ in range(2):
        await world.turn()
    status = (await world.run())["status"]
    assert world.made("Job") == 1
    for kind in ("Succeeded", "DataReady", "Stalled"):
        assert make.condition(status, kind) == make.condition(before, kind)
        assert make.message(status, kind) == make.message(before, kind)
    assert status["completionTime"] == before["completionTime"]


async def test_a_succeeded_run_finds_its_version(make: Any) -> None:
    world = World(make)
    before = await world.end(0, make.outcome())
    await world.wipe()
    await world.turn()
    status = (await world.run())["status"]
    assert status["modelVersionRef"] == before["modelVersionRef"]
    assert status["metrics"] == before["metrics"]
    assert (world.made("Job"), world.made("ModelVersion")) == (1, 1)


async def test_a_run_whose_job_was_deleted_stays_failed(make: Any) -> None:
    world = World(make)
    await world.turn()
    world.kube.drop(JOB, "flights", NAME)
    await world.turn()
    await world.wipe()
    await world.turn()
    assert world.made("Job") == 1
    assert make.condition((await world.run())["status"], "Succeeded") == ("False", "JobLost")


async def test_it_is_remembered_once(make: Any) -> None:
    world = World(make)
    await world.end(1, "boom")
    writes = len(world.kube.writes)
    for _ in range(3):
        await world.turn()
    assert len(world.kube.writes) == writes


async def test_the_job_stays_while_there_is_no_record(make: Any) -> None:
    world = World(make)
    await world.turn()
    job = await world.kube.get(JOB, "flights", NAME)
    assert job is not None
    world.kube.put(job | {"status": make.job_end("Failed", failed=1)})

    class Refusing(RecordingKube):
        async def create(self, kind: Any, obj: Any) -> Any:
            if kind == CONTROLLER_REVISION:
                raise Forbidden("exceeded quota")
            return await super().create(kind, obj)

    refusing = Refusing()
    refusing._store = world.kube._store
    events = EventRecorder(refusing, world.clock, "operator-0")
    reconciler = TrainingRunReconciler(refusing, world.clock, SETTINGS, events)
    world.clock.advance(3600)
    for _ in range(2):
        await reconciler.reconcile("flights", NAME)
    assert make.condition((await world.run())["status"], "Succeeded") == ("False", "Failed")
    assert await world.kube.get(JOB, "flights", NAME) is not None
    await world.turn()
    assert await world.kube.get(JOB, "flights", NAME) is None


async def test_the_record_of_another_run_of_this_name_is_not_its_own(make: Any) -> None:
    world = World(make)
    await world.end(1, "boom")
    await world.wipe(uid="4f9c2a51-0000-4000-8000-000000000099")
    await world.turn()
    assert world.made("Job") == 2


GOOD = {"reason": "Failed", "message": "boom", "time": "2026-01-01T00:01:00Z"}


@pytest.mark.parametrize(
    "data",
    [
        None,
        {},
        "boom",
        [GOOD],
        GOOD | {"reason": "no good"},
        GOOD | {"message": 7},
        GOOD | {"message": "\u202e"},
        GOOD | {"time": "yesterday"},
        GOOD | {"time": "2026-01-01T00:01:00"},
        GOOD | {"time": "9999-12-31T23:59:59-01:00"},
        GOOD | {"time": 7},
    ],
)
def test_only_what_is_well_formed_is_believed(make: Any, data: Any) -> None:
    run = make.run()
    metadata = {"ownerReferences": [{"uid": make.run_uid}]}
    assert remembered(run, [{"metadata": metadata, "data": GOOD}]) is not None
    assert remembered(run, [{"metadata": metadata, "data": data}]) is None
    assert remembered(run, [{"metadata": {"ownerReferences": [{"uid": "x"}]}, "data": GOOD}]) is None
