"""The situations of a TrainingRun, each by what became of its claims, its Job and its pod."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from perennial.controllers.trainingrun import TrainingRunReconciler
from perennial.ports.kinds import JOB, TRAINING_RUN
from perennial.ports.kube import Object
from tests.apiserver import playing
from tests.apiserver.gitops.place import Making, Place, Situations
from tests.apiserver.support import eventually

situation = Situations("TrainingRun")

NAME = "january"
ACTIVE, CANNOT = "waiting or training", "waiting for a person"
MADE, FAILED = "over, with a version", "over, without one"


class Training:
    """One run; `turn` is one pass."""

    def __init__(self, place: Place) -> None:
        self.place, self.clock = place, playing.clock()
        events = playing.recorder(place.operator, self.clock)
        self._reconciler = TrainingRunReconciler(place.operator, self.clock, playing.SETTINGS, events)

    async def apply(self, *claims: str, **spec: Any) -> None:
        for claim in claims:
            await playing.make_claim(self.place.admin, self.place.namespace, claim)
        body: Object = {
            "modelName": "flights",
            "data": {"uri": "pvc://flights-data/january.csv"},
            "trainer": {"estimator": {"name": "LogisticRegression", "target": "late", "numeric": ["distance"]}},
            "output": {"storageUri": "pvc://models"},
        }
        head = {"namespace": self.place.namespace, "name": NAME}
        await self.place.admin.create(TRAINING_RUN, {"metadata": head, "spec": body | spec})

    async def turn(self) -> Object:
        await playing.one_pass(self._reconciler, self.place.namespace, NAME)
        return await self.place.read(TRAINING_RUN, NAME)

    async def pod(self, status: Object) -> None:
        await playing.make_pod(self.place.admin, await self.place.read(JOB, NAME), status)

    async def end(self, kind: str, reason: str = "Reached") -> None:
        await playing.end_job(self.place.admin, await self.place.read(JOB, NAME), kind, reason)


async def started(place: Place, **spec: Any) -> Training:
    """The Job of the run is there."""
    run = Training(place)
    await run.apply("flights-data", "models", **spec)
    await run.turn()
    return run


async def trained(place: Place, **spec: Any) -> Training:
    """The Job has ended well; no pass has seen it."""
    run = await started(place, **spec)
    uid = (await place.read(TRAINING_RUN, NAME))["metadata"]["uid"]
    await run.pod(playing.ended("train", 0, playing.trained(place.namespace, uid)))
    await run.end("Complete")
    return run


def with_pod(status: Object) -> Making:
    """The situation that needs nothing but a pod that is so, while its Job goes on."""

    async def make(place: Place) -> Object:
        run = await started(place)
        await run.pod(status)
        return await run.turn()

    return make


async def failed(place: Place, status: Object, reason: str = "BackoffLimitExceeded") -> Object:
    run = await started(place)
    await run.pod(status)
    await run.end("Failed", reason)
    return await run.turn()


@situation(ACTIVE)
async def run_not_looked_at(place: Place) -> Object:
    await Training(place).apply()
    return await place.read(TRAINING_RUN, NAME)


@situation(ACTIVE)
async def pending(place: Place) -> Object:
    await started(place)
    return await place.read(TRAINING_RUN, NAME)


NO_ROOM = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes are available"}
PODS = {
    "running": {"phase": "Running"},
    "retrying": playing.ended("train", 1, "KeyError: 'x'", "Error"),
    "image-unavailable": playing.waiting("train", "ImagePullBackOff", 'Back-off pulling image "nobody/nothing:1"'),
    "container-not-created": playing.waiting("train", "CreateContainerConfigError", 'secret "key" not found'),
    "unschedulable": {"phase": "Pending", "conditions": [NO_ROOM]},
}
for _name, _status in PODS.items():
    situation.add(ACTIVE, _name, with_pod(_status))


@situation(ACTIVE)
async def pod_not_created(place: Place) -> Object:
    run = await started(place)
    run.clock.advance(60)
    return await run.turn()


@situation(ACTIVE)
async def registering(place: Place) -> Object:
    run = await started(place)
    await run.pod(playing.ended("train", 0, "{}"))
    return await run.turn()


@situation(ACTIVE)
async def no_data_claim(place: Place) -> Object:
    run = Training(place)
    await run.apply()
    return await run.turn()


@situation(ACTIVE)
async def no_output_claim(place: Place) -> Object:
    run = Training(place)
    await run.apply("flights-data")
    return await run.turn()


@situation(CANNOT)
async def job_name_taken(place: Place) -> Object:
    pod = {"restartPolicy": "Never", "containers": [{"name": "other", "image": "other"}]}
    head = {"namespace": place.namespace, "name": NAME}
    await place.admin.create(JOB, {"metadata": head, "spec": {"template": {"spec": pod}}})
    await started(place)
    return await place.read(TRAINING_RUN, NAME)


@situation(CANNOT)
async def job_refused(place: Place) -> Object:
    place.none_of("jobs.batch")
    run = Training(place)
    await run.apply("flights-data", "models")
    return await refused(run.turn)


async def refused(turn: Callable[[], Awaitable[Object]]) -> Object:
    """Passes until the quota is known to the apiserver."""

    async def attempt() -> Object | None:
        found = await turn()
        return found if playing.condition(found, "Stalled") else None

    found = await eventually(attempt, "the quota refuses the Job")
    assert found is not None
    return found


@situation(MADE)
async def completed(place: Place) -> Object:
    return await (await trained(place)).turn()


@situation(MADE)
async def gates_passed(place: Place) -> Object:
    return await (await trained(place, evaluation={"gates": [{"metric": "roc_auc", "min": "0.9"}]})).turn()


@situation(MADE)
async def gate_failed(place: Place) -> Object:
    return await (await trained(place, evaluation={"gates": [{"metric": "roc_auc", "min": "0.95"}]})).turn()


@situation(FAILED)
async def training_failed(place: Place) -> Object:
    return await failed(place, playing.ended("train", 1, "KeyError: 'x'", "Error"))


@situation(FAILED)
async def deadline_exceeded(place: Place) -> Object:
    return await failed(place, {"phase": "Running"}, "DeadlineExceeded")


@situation(FAILED)
async def out_of_memory(place: Place) -> Object:
    return await failed(place, playing.ended("train", 137, "", "OOMKilled"))


@situation(FAILED)
async def evicted(place: Place) -> Object:
    return await failed(place, {"phase": "Failed", "reason": "Evicted", "message": "The node was low on memory."})


@situation(FAILED)
async def no_such_file(place: Place) -> Object:
    said = '{"outcome":"Failed","reason":"DataNotFound","message":"no january.csv"}'
    return await failed(place, playing.ended("train", 1, said, "Error"))


@situation(FAILED)
async def outcome_invalid(place: Place) -> Object:
    run = await started(place)
    await run.pod(playing.ended("train", 0, "{}"))
    await run.end("Complete")
    return await run.turn()


@situation(FAILED)
async def job_lost(place: Place) -> Object:
    run = await started(place)
    await run.turn()
    await place.admin.delete(JOB, await place.read(JOB, NAME))
    return await run.turn()
