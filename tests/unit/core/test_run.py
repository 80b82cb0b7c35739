"""The end of the process: which exit code, and that nothing is left running."""

import asyncio

from perennial.core.leader import LeaseLost
from perennial.core.run import FAILED, STOPPED, _until_stopped


async def test_a_lost_lease_cancels_the_workers_and_ends_the_process() -> None:
    cancelled = asyncio.Event()

    async def hold() -> None:
        raise LeaseLost("another replica holds the lease")

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    assert await _until_stopped(asyncio.Event(), [hold, work]) == FAILED
    assert cancelled.is_set()


async def test_a_loop_that_ends_ends_the_process() -> None:
    async def end() -> None:
        return None

    assert await _until_stopped(asyncio.Event(), [end]) == FAILED


async def test_asked_to_stop() -> None:
    stop = asyncio.Event()

    async def work() -> None:
        stop.set()
        await asyncio.Event().wait()

    assert await _until_stopped(stop, [work]) == STOPPED
