"""From an event to keys, and every key again."""

import asyncio
from typing import Any

import pytest

from perennial.core import enqueue
from perennial.core.clock import FakeClock, SystemClock
from perennial.core.enqueue import Enqueuer
from perennial.core.metrics import Metrics
from perennial.core.queue import Key, WorkQueue
from perennial.core.watches import CONTROLLER_LABEL, NAME_LABEL, WATCHES, Watch
from perennial.ports.kinds import GATEWAY, HTTP_ROUTE, JOB, MODEL_DEPLOYMENT, MODEL_VERSION, POD, TRAINING_RUN, Kind

RUN, VERSION, DEPLOYMENT = (Key(kind, "serve", "x") for kind in ("TrainingRun", "ModelVersion", "ModelDeployment"))


def watch_of(kind: Kind) -> Watch:
    return next(watch for watch in WATCHES if watch.kind == kind)


def obj(name: str, namespace: str = "serve", labels: dict[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    return {"metadata": {"namespace": namespace, "name": name, "labels": labels or {}}, "spec": spec}


class Bench:
    """An enqueuer and what it has added since the last look."""

    def __init__(self) -> None:
        self.queue = WorkQueue(FakeClock())
        self.enqueuer = Enqueuer(self.queue, Metrics(), 300)

    def event(self, kind: Kind, made: dict[str, Any], type: str | None = "MODIFIED") -> set[Key]:  # noqa: A002
        self.enqueuer.event(watch_of(kind), type, made)
        return self.added()

    def added(self) -> set[Key]:
        keys = set()
        while (key := self.queue.take()) is not None:
            keys.add(key)
            self.queue.done(key)
        return keys


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_an_object_of_ours_adds_itself(bench: Bench) -> None:
    assert bench.event(TRAINING_RUN, obj("x", modelName="m")) == {RUN}
    assert bench.event(MODEL_VERSION, obj("x", modelName="m")) == {VERSION}


@pytest.mark.parametrize("kind", [JOB, POD, HTTP_ROUTE])
def test_a_child_adds_who_made_it(bench: Bench, kind: Kind) -> None:
    labels = {CONTROLLER_LABEL: "ModelDeployment", NAME_LABEL: "x"}
    assert bench.event(kind, obj("child", labels=labels)) == {DEPLOYMENT}
    assert bench.event(kind, obj("child", labels=labels), "DELETED") == {DEPLOYMENT}


@pytest.mark.parametrize("labels", [{}, {CONTROLLER_LABEL: "ModelDeployment"}, {NAME_LABEL: "x"}])
def test_a_child_without_our_labels_adds_nothing(bench: Bench, labels: dict[str, str]) -> None:
    assert bench.event(POD, obj("child", labels=labels)) == set()


def test_a_version_adds_the_deployments_of_its_model_and_its_run(bench: Bench) -> None:
    bench.event(MODEL_DEPLOYMENT, obj("x", modelName="m"))
    bench.event(MODEL_DEPLOYMENT, obj("other-model", modelName="n"))
    bench.event(MODEL_DEPLOYMENT, obj("other-namespace", namespace="else", modelName="m"))
    version = obj("m-1", modelName="m", trainingRunRef={"name": "x", "uid": "1"})
    assert bench.event(MODEL_VERSION, version) == {Key("ModelVersion", "serve", "m-1"), DEPLOYMENT, RUN}


def test_a_deployment_adds_the_versions_of_its_model(bench: Bench) -> None:
    bench.event(MODEL_VERSION, obj("x", modelName="m"))
    bench.event(MODEL_VERSION, obj("n-1", modelName="n"))
    assert bench.event(MODEL_DEPLOYMENT, obj("x", modelName="m"), "DELETED") == {DEPLOYMENT, VERSION}


def test_a_gateway_adds_every_deployment(bench: Bench) -> None:
    bench.event(MODEL_DEPLOYMENT, obj("x", modelName="m"))
    bench.event(MODEL_DEPLOYMENT, obj("y", namespace="else", modelName="m"))
    assert bench.event(GATEWAY, obj("gw", namespace="gateways")) == {DEPLOYMENT, Key("ModelDeployment", "else", "y")}


def test_what_is_deleted_is_known_no_more(bench: Bench) -> None:
    bench.event(MODEL_DEPLOYMENT, obj("x", modelName="m"))
    bench.event(MODEL_DEPLOYMENT, obj("x", modelName="m"), "DELETED")
    assert bench.event(GATEWAY, obj("gw")) == set()


@pytest.fixture
def live(monkeypatch: pytest.MonkeyPatch) -> tuple[WorkQueue, Enqueuer]:
    monkeypatch.setattr(enqueue, "RELIST_SECONDS", 0.01)
    queue = WorkQueue(SystemClock())
    return queue, Enqueuer(queue, Metrics(), resync_seconds=0.05)


async def test_a_list_of_children_adds_every_parent(live: tuple[WorkQueue, Enqueuer]) -> None:
    queue, enqueuer = live
    enqueuer.event(watch_of(MODEL_DEPLOYMENT), "ADDED", obj("x", modelName="m"))
    queue.done(await queue.get())
    task = asyncio.create_task(enqueuer.relist())
    enqueuer.event(watch_of(POD), None, obj("nobody's"))
    assert await asyncio.wait_for(queue.get(), 5) == DEPLOYMENT
    task.cancel()


async def test_every_key_comes_again_and_again(live: tuple[WorkQueue, Enqueuer]) -> None:
    queue, enqueuer = live
    for name in ("a", "b", "c"):
        enqueuer.event(watch_of(MODEL_VERSION), "ADDED", obj(name, modelName="m"))
    task = asyncio.create_task(enqueuer.resync())
    times = dict.fromkeys("abc", 0)
    while min(times.values()) < 4:
        key = await asyncio.wait_for(queue.get(), 5)
        times[key.name] += 1
        queue.done(key)
    task.cancel()
