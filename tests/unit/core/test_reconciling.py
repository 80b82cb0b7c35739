"""What becomes of a key after a pass."""

import asyncio
import random

import pytest

from perennial.core.clock import FakeClock, SystemClock
from perennial.core.metrics import Metrics
from perennial.core.queue import Key, WorkQueue
from perennial.core.reconciling import Result, Workers
from perennial.ports.kinds import MODEL_VERSION, Kind
from perennial.ports.kube import Conflict, NotLeading, Unavailable

KEY = Key("ModelVersion", "serve", "m-1")


class Scripted:
    """A reconciler that does what the test says, one step a pass."""

    kind: Kind = MODEL_VERSION
    manager = "test"

    def __init__(self, *steps: Result | Exception) -> None:
        self.steps = list(steps)
        self.passes = 0
        self.finished = asyncio.Event()

    async def reconcile(self, namespace: str, name: str) -> Result:
        assert (namespace, name) == ("serve", "m-1")
        self.passes += 1
        step = self.steps.pop(0) if self.steps else Result()
        if not self.steps:
            self.finished.set()
        if isinstance(step, Exception):
            raise step
        return step


class Bench:
    """Workers that are driven by hand."""

    def __init__(self, *steps: Result | Exception) -> None:
        self.clock, self.metrics = FakeClock(), Metrics()
        self.queue = WorkQueue(self.clock, random.Random(1))
        self.reconciler = Scripted(*steps)
        self.workers = Workers(self.queue, {"ModelVersion": self.reconciler}, self.metrics, 1)

    async def one_pass(self) -> None:
        self.queue.add(KEY)
        key = self.queue.take()
        assert key == KEY
        await self.workers.process(key)
        self.queue.done(key)

    def due_within(self, seconds: float) -> bool:
        self.clock.advance(seconds)
        return self.queue.take() == KEY

    def count(self, result: str) -> float | None:
        labels = {"kind": "ModelVersion", "result": result}
        return self.metrics.registry.get_sample_value("perennial_reconciles_total", labels)


async def test_success_asks_for_nothing() -> None:
    bench = Bench(Result())
    await bench.one_pass()
    assert not bench.due_within(1000)
    assert bench.count("success") == 1


async def test_success_may_ask_for_a_later_pass() -> None:
    bench = Bench(Result(requeue_after=30))
    await bench.one_pass()
    assert not bench.due_within(29)
    assert bench.due_within(2)


@pytest.mark.parametrize(
    ("error", "result"),
    [
        (Conflict("stale"), "conflict"),
        (Unavailable("503"), "error"),
        (NotLeading("no lease"), "error"),
        (KeyError("a defect"), "error"),
    ],
)
async def test_what_is_raised_is_tried_again(error: Exception, result: str) -> None:
    bench = Bench(error, Result())
    await bench.one_pass()
    assert bench.count(result) == 1
    assert bench.due_within(0.6)


async def test_success_ends_the_back_off() -> None:
    bench = Bench(*[Unavailable("503")] * 6, Result(), Unavailable("503"))
    for _ in range(8):
        await bench.one_pass()
        bench.clock.advance(100)
        while bench.queue.take() is not None:
            bench.queue.done(KEY)
    assert bench.queue.retry(KEY) <= 1.0, "the second failure since the success"


async def test_a_kind_without_reconciler_is_passed_over() -> None:
    bench = Bench()
    await bench.workers.process(Key("Unknown", "serve", "x"))
    assert bench.reconciler.passes == 0


async def test_workers_go_on_after_a_defect_and_stop_when_cancelled() -> None:
    queue, reconciler = WorkQueue(SystemClock()), Scripted(KeyError("a defect"), Result(requeue_after=0.01), Result())
    task = asyncio.create_task(Workers(queue, {"ModelVersion": reconciler}, Metrics(), 3).run())
    queue.add(KEY)
    await asyncio.wait_for(reconciler.finished.wait(), 10)
    assert reconciler.passes == 3
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


class Slow:
    """A reconciler whose pass ends when the test says so."""

    kind: Kind = MODEL_VERSION
    manager = "test"

    def __init__(self) -> None:
        self.begun, self.go_on = asyncio.Event(), asyncio.Event()
        self.passes = 0

    async def reconcile(self, namespace: str, name: str) -> Result:
        self.passes += 1
        self.begun.set()
        await self.go_on.wait()
        return Result()


async def slow() -> tuple[Slow, WorkQueue, Workers, asyncio.Task[None]]:
    queue, reconciler = WorkQueue(SystemClock()), Slow()
    workers = Workers(queue, {"ModelVersion": reconciler}, Metrics(), 2)
    task = asyncio.create_task(workers.run())
    queue.add(KEY)
    await reconciler.begun.wait()
    return reconciler, queue, workers, task


async def test_finishing_ends_the_pass_under_way_and_begins_no_other() -> None:
    reconciler, queue, workers, task = await slow()
    finishing = asyncio.create_task(workers.finish())
    await asyncio.sleep(0)
    queue.add(Key("ModelVersion", "serve", "m-2"))
    assert not finishing.done()
    reconciler.go_on.set()
    await asyncio.wait_for(finishing, 5)
    task.cancel()
    await asyncio.wait({task})
    assert not workers.cut
    assert reconciler.passes == 1


async def test_a_pass_that_is_cancelled_is_cut() -> None:
    _, _, workers, task = await slow()
    task.cancel()
    await asyncio.wait({task})
    assert workers.cut
