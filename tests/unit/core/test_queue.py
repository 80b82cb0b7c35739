"""The queue's semantics, with a clock that stands still."""

import asyncio
import random

import pytest

from perennial.core.clock import FakeClock, SystemClock
from perennial.core.queue import CAP_SECONDS, Key, WorkQueue

A, B, C = (Key("ModelDeployment", "serve", name) for name in "abc")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def queue(clock: FakeClock) -> WorkQueue:
    return WorkQueue(clock, random.Random(1))


def drain(queue: WorkQueue) -> list[Key]:
    taken = []
    while (key := queue.take()) is not None:
        taken.append(key)
    return taken


def test_first_in_first_out(queue: WorkQueue) -> None:
    for key in (B, A, C):
        queue.add(key)
    assert drain(queue) == [B, A, C]


def test_a_waiting_key_is_there_once(queue: WorkQueue) -> None:
    for _ in range(5):
        queue.add(A)
    assert queue.depth() == 1
    assert drain(queue) == [A]


def test_a_busy_key_is_not_given_to_a_second_worker(queue: WorkQueue) -> None:
    queue.add(A)
    assert queue.take() == A
    queue.add(A)
    assert queue.take() is None


def test_adds_while_busy_mean_one_more_pass(queue: WorkQueue) -> None:
    queue.add(A)
    queue.take()
    for _ in range(3):
        queue.add(A)
    queue.done(A)
    assert drain(queue) == [A]
    queue.done(A)
    assert drain(queue) == []


def test_done_without_an_add_leaves_nothing(queue: WorkQueue) -> None:
    queue.add(A)
    queue.take()
    queue.done(A)
    assert queue.take() is None


def test_a_delayed_add_waits(queue: WorkQueue, clock: FakeClock) -> None:
    queue.add_after(A, 10)
    clock.advance(9.9)
    assert queue.take() is None
    clock.advance(0.2)
    assert queue.take() == A


@pytest.mark.parametrize("delays", [(5, 20), (20, 5)])
def test_of_several_delays_the_earliest_counts_once(
    queue: WorkQueue, clock: FakeClock, delays: tuple[float, float]
) -> None:
    for delay in delays:
        queue.add_after(A, delay)
    clock.advance(5)
    assert queue.take() == A
    queue.done(A)
    clock.advance(100)
    assert queue.take() is None


def test_a_delayed_add_of_a_busy_key_is_one_more_pass(queue: WorkQueue, clock: FakeClock) -> None:
    queue.add(A)
    queue.take()
    queue.add_after(A, 1)
    clock.advance(2)
    assert queue.take() is None
    queue.done(A)
    assert queue.take() == A


def test_back_off_doubles_up_to_its_cap_with_jitter_below(queue: WorkQueue) -> None:
    for n in range(12):
        full = min(CAP_SECONDS, 0.5 * 2**n)
        assert full / 2 <= queue.retry(A) <= full


def test_many_failures_do_not_overflow(queue: WorkQueue) -> None:
    assert max(queue.retry(A) for _ in range(2000)) <= CAP_SECONDS


def test_forget_starts_the_back_off_anew(queue: WorkQueue) -> None:
    for _ in range(8):
        queue.retry(A)
    queue.forget(A)
    assert queue.retry(A) <= 0.5


def test_back_off_is_per_key(queue: WorkQueue) -> None:
    for _ in range(8):
        queue.retry(A)
    assert queue.retry(B) <= 0.5


def test_depth_and_age(queue: WorkQueue, clock: FakeClock) -> None:
    assert (queue.depth(), queue.oldest_seconds()) == (0, 0.0)
    queue.add(A)
    clock.advance(3)
    queue.add(B)
    clock.advance(1)
    assert (queue.depth(), queue.oldest_seconds()) == (2, 4.0)
    queue.take()
    assert (queue.depth(), queue.oldest_seconds()) == (1, 1.0)


async def test_get_wakes_for_an_add() -> None:
    queue = WorkQueue(SystemClock())
    waiting = asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    queue.add(A)
    assert await asyncio.wait_for(waiting, 5) == A


async def test_get_wakes_for_a_delay() -> None:
    queue = WorkQueue(SystemClock())
    waiting = asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    queue.add_after(A, 0.05)
    assert await asyncio.wait_for(waiting, 5) == A


async def test_every_waiting_worker_gets_a_key_of_its_own() -> None:
    queue = WorkQueue(SystemClock())
    workers = [asyncio.create_task(queue.get()) for _ in range(3)]
    await asyncio.sleep(0)
    for key in (A, B, C, A):
        queue.add(key)
    assert set(await asyncio.wait_for(asyncio.gather(*workers), 5)) == {A, B, C}


async def test_one_key_is_never_worked_on_twice_at_a_time() -> None:
    queue, at_work, passes = WorkQueue(SystemClock()), set[Key](), 0
    finished = asyncio.Event()

    async def work() -> None:
        nonlocal passes
        while True:
            key = await queue.get()
            assert key not in at_work
            at_work.add(key)
            await asyncio.sleep(0.001)
            at_work.remove(key)
            queue.done(key)
            passes += 1
            if passes >= 60:
                finished.set()

    async def disturb() -> None:
        while not finished.is_set():
            for key in (A, B, C):
                queue.add(key)
            await asyncio.sleep(0)

    tasks = [asyncio.create_task(work()) for _ in range(4)]
    await asyncio.wait_for(disturb(), 10)
    assert not [task.exception() for task in tasks if task.done()]
    for task in tasks:
        task.cancel()
