"""The end of the process: which exit code, and that nothing is left running."""

import asyncio

from perennial.core.leader import LeaseLost
from perennial.core.run import FAILED, STOPPED, _until_stopped


async def nothing() -> None:
    return None


async def test_a_lost_lease_cancels_the_workers_and_ends_the_process() -> None:
    cancelled = asyncio.Event()

    async def hold() -> None:
        raise LeaseLost("another replica holds the lease")

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    assert await _until_stopped(asyncio.Event(), [hold, work], nothing) == FAILED
    assert cancelled.is_set()


async def test_a_loop_that_ends_ends_the_process() -> None:
    async def end() -> None:
        return None

    assert await _until_stopped(asyncio.Event(), [end], nothing) == FAILED


async def test_asked_to_stop() -> None:
    stop = asyncio.Event()

    async def work() -> None:
        stop.set()
        await asyncio.Event().wait()

    assert await _until_stopped(stop, [work], nothing) == STOPPED


async def test_what_is_under_way_is_finished_before_the_loops_end() -> None:
    stop, order = asyncio.Event(), list[str]()
    stop.set()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            order.append("cancelled")

    async def finish() -> None:
        await asyncio.sleep(0)
        order.append("finished")

    assert await _until_stopped(stop, [work], finish) == STOPPED
    assert order == ["finished", "cancelled"]
