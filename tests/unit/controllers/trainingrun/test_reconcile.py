"""Whole passes over an in-memory apiserver; the test is kubelet and Job controller."""

from __future__ import annotations

from typing import Any

import pytest

from perennial.controllers.trainingrun import TrainingRunReconciler
from perennial.core.clock import FakeClock
from perennial.core.events import EventRecorder
from perennial.core.settings import Settings
from perennial.ports.kinds import EVENT, JOB, MODEL_VERSION, TRAINING_RUN
from perennial.ports.kube import Conflict, Forbidden, Unavailable
from perennial.ports.kube_fake import RecordingKube

SETTINGS = Settings(trainer_image="trainer:1", namespace="perennial-system", pod_name="operator-0")


class World:
    """One run in a namespace with its claims."""

    def __init__(self, make: Any, **spec: Any) -> None:
        self.make, self.clock = make, FakeClock(make.at())
        self.kube = RecordingKube(make.run(**spec), make.claim("flights-data"), make.claim("models"))
        events = EventRecorder(self.kube, self.clock, "operator-0")
        self.reconciler = TrainingRunReconciler(self.kube, self.clock, SETTINGS, events)

    async def turn(self) -> float | None:
        return (await self.reconciler.reconcile("flights", "flights-january")).requeue_after

    async def status(self) -> Any:
        run = await self.kube.get(TRAINING_RUN, "flights", "flights-january")
        return run["status"] if run else None

    async def job(self) -> Any:
        return await self.kube.get(JOB, "flights", "flights-january")

    async def succeed(self, text: str | None = None) -> None:
        job = await self.job()
        text = self.make.outcome() if text is None else text
        self.kube.put(self.make.ended(0, text, owner=job["metadata"]["uid"]))
        self.kube.put(job | {"status": self.make.job_end("Complete", seconds=60)})

    def writes(self, kind: str, verb: str = "create") -> int:
        return sum((each.kind, each.verb) == (kind, verb) for each in self.kube.writes)


async def test_from_run_to_version_and_clean_up(make: Any) -> None:
    world = World(make, ttlSecondsAfterFinished=100, approval="Automatic")
    await world.turn()
    status = await world.status()
    assert make.condition(status, "Reconciling") == ("True", "Pending")
    assert status["jobRef"]["uid"] == (await world.job())["metadata"]["uid"]

    await world.succeed()
    world.clock.advance(61)
    await world.turn()
    status = await world.status()
    assert make.condition(status, "Succeeded") == ("True", "Completed")
    version = await world.kube.get(MODEL_VERSION, "flights", "flights-1")
    assert version is not None
    assert status["modelVersionRef"] == {"name": "flights-1", "uid": version["metadata"]["uid"]}

    world.clock.advance(100)
    await world.turn()
    assert await world.job() is None
    assert await world.status() == status
    await world.turn()
    assert (world.writes("Job"), world.writes("ModelVersion")) == (1, 1)
    reasons = [each["reason"] for each in await world.kube.list(EVENT, "flights")]
    assert sorted(reasons) == ["Completed", "Pending"]


async def test_nothing_changes_nothing_is_written(make: Any) -> None:
    world = World(make)
    await world.turn()
    before = len(world.kube.writes)
    for _ in range(3):
        world.clock.advance(5)
        await world.turn()
    assert len(world.kube.writes) == before


async def test_a_crash_after_the_version_makes_no_second_one(make: Any) -> None:
    world = World(make)
    await world.turn()
    await world.succeed()
    await world.turn()
    run = await world.kube.get(TRAINING_RUN, "flights", "flights-january")
    assert run is not None
    world.kube.put(run | {"status": {}})
    await world.turn()
    assert world.writes("ModelVersion") == 1
    assert make.condition(await world.status(), "Succeeded") == ("True", "Completed")


async def test_a_crash_after_the_job_makes_no_second_one(make: Any) -> None:
    world = World(make)
    await world.turn()
    run = await world.kube.get(TRAINING_RUN, "flights", "flights-january")
    assert run is not None
    world.kube.put(run | {"status": {}})
    await world.turn()
    assert world.writes("Job") == 1
    assert (await world.status())["jobRef"]["uid"] == (await world.job())["metadata"]["uid"]


class Racing(RecordingKube):
    """Another run takes the version's number just before."""

    async def create(self, kind: Any, obj: Any) -> Any:
        if kind == MODEL_VERSION and obj["metadata"]["name"] == "flights-1" and not self.raced:
            self.raced = True
            self.put(self.rival)
        return await super().create(kind, obj)

    raced = False
    rival: Any = None


async def test_a_number_that_is_taken_meanwhile(make: Any) -> None:
    world = World(make)
    await world.turn()
    await world.succeed()
    racing = Racing()
    racing._store = world.kube._store
    racing.rival = make.version(1, run_uid="another-run", artifact={"uri": "pvc://models/a", "sha256": "00" * 32})
    racing.rival["metadata"].pop("uid")
    world.kube = racing
    events = EventRecorder(racing, world.clock, "operator-0")
    world.reconciler = TrainingRunReconciler(racing, world.clock, SETTINGS, events)
    await world.turn()
    assert (await world.status())["modelVersionRef"]["name"] == "flights-2"


async def test_the_claim_comes_later(make: Any) -> None:
    world = World(make, data={"uri": "pvc://later/x.csv"})
    assert await world.turn() == 5
    assert make.condition(await world.status(), "DataReady") == ("False", "DataNotFound")
    assert await world.job() is None
    world.kube.put(make.claim("later"))
    await world.turn()
    assert await world.job() is not None
    assert make.condition(await world.status(), "DataReady") == ("Unknown", "NotReadYet")


async def test_a_name_that_is_taken_and_then_free(make: Any) -> None:
    world = World(make)
    world.kube.put(make.job(owner="someone-else", kind="CronJob"))
    await world.turn()
    assert make.condition(await world.status(), "Stalled") == ("True", "NameTaken")
    assert (await world.job())["metadata"]["ownerReferences"][0]["uid"] == "someone-else"
    world.kube.drop(JOB, "flights", "flights-january")
    await world.turn()
    assert make.condition(await world.status(), "Stalled") is None
    assert make.condition(await world.status(), "Reconciling") == ("True", "Pending")


async def test_pods_of_another_job_are_not_listened_to(make: Any) -> None:
    world = World(make)
    await world.turn()
    world.kube.put(make.ended(0, make.outcome(), owner="an-older-job"))
    job = await world.job()
    world.kube.put(job | {"status": make.job_end("Complete")})
    await world.turn()
    assert make.condition(await world.status(), "Succeeded") == ("False", "OutcomeInvalid")


async def test_quota_refuses_and_relents(make: Any) -> None:
    world = World(make)

    class Refusing(RecordingKube):
        refuse = True

        async def create(self, kind: Any, obj: Any) -> Any:
            if kind == JOB and self.refuse:
                raise Forbidden("exceeded quota: compute")
            return await super().create(kind, obj)

    refusing = Refusing()
    refusing._store = world.kube._store
    world.kube = refusing
    events = EventRecorder(refusing, world.clock, "operator-0")
    world.reconciler = TrainingRunReconciler(refusing, world.clock, SETTINGS, events)
    assert await world.turn() == 30
    assert make.condition(await world.status(), "Stalled") == ("True", "ChildRefused")
    assert "exceeded quota" in make.message(await world.status(), "Succeeded")
    refusing.refuse = False
    await world.turn()
    assert make.condition(await world.status(), "Succeeded") == ("Unknown", "Pending")


@pytest.mark.parametrize("error", [Unavailable("later"), Conflict("changed")])
async def test_errors_of_the_apiserver_are_the_queues(make: Any, error: Exception) -> None:
    world = World(make)
    world.kube.fail_next(error)  # type: ignore[arg-type]
    with pytest.raises(type(error)):
        await world.turn()
    await world.turn()
    assert await world.job() is not None


async def test_a_run_that_is_gone_or_going(make: Any) -> None:
    world = World(make)
    run = await world.kube.get(TRAINING_RUN, "flights", "flights-january")
    assert run is not None
    run["metadata"]["deletionTimestamp"] = make.stamp()
    world.kube.put(run)
    assert await world.turn() is None
    world.kube.drop(TRAINING_RUN, "flights", "flights-january")
    assert await world.turn() is None
    assert world.kube.writes == []


async def test_nothing_is_told_that_was_not_written(make: Any) -> None:
    world = World(make)

    class Stale(RecordingKube):
        async def apply_status(self, kind: Any, obj: Any, *, manager: str) -> Any:
            raise Conflict("changed")

    stale = Stale()
    stale._store = world.kube._store
    events = EventRecorder(stale, world.clock, "operator-0")
    world.reconciler = TrainingRunReconciler(stale, world.clock, SETTINGS, events)
    with pytest.raises(Conflict):
        await world.turn()
    assert await stale.list(EVENT, "flights") == []
