"""The load client against a server on this machine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web

from demo.load import Load, run
from demo.tally import GATEWAY, Tally

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def server(handler: Handler) -> AsyncIterator[str]:
    """The URL of a server that answers every POST with the handler."""
    application = web.Application()
    application.router.add_post("/", handler)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()


async def send(handler: Handler, *, count: int, rate: float = 500, patience: float = 20) -> Tally:
    """Send until `count` requests reached the server, then stop, and return the counts."""
    tally, stop, seen = Tally(), asyncio.Event(), 0

    async def counting(request: web.Request) -> web.StreamResponse:
        nonlocal seen
        seen += 1
        if seen >= count:
            stop.set()
        return await handler(request)

    async with server(counting) as url:
        load = Load(url, "flights.localhost", rate, patience)
        await asyncio.wait_for(run(load, [b'{"row":1}', b'{"row":2}'], tally, stop), 30)
    return tally


async def test_every_request_is_answered_and_counted_for_who_signed_it() -> None:
    async def answer(request: web.Request) -> web.Response:
        assert request.host == "flights.localhost"
        row = (await request.json())["row"]
        return web.Response(status=200 if row == 1 else 400, headers={"x-perennial-served-by": f"flights-{row}"})

    tally = await send(answer, count=40)
    assert tally.finished == tally.sent >= 40
    assert tally.lost_total == 0
    assert tally.answers["flights-1"][200] + tally.answers["flights-2"][400] == tally.sent


async def test_answers_without_a_signature_are_the_gateways() -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=404)

    tally = await send(answer, count=5)
    assert tally.served(GATEWAY) == tally.sent
    assert tally.lost_total == 0


async def test_a_connection_that_breaks_is_a_lost_request_and_is_not_tried_again() -> None:
    reached = 0

    async def answer(request: web.Request) -> web.Response:
        nonlocal reached
        reached += 1
        assert request.transport is not None
        request.transport.close()
        return web.Response()

    tally = await send(answer, count=20)
    assert tally.lost_total == tally.sent == reached


async def test_a_request_without_an_answer_in_time_is_lost() -> None:
    async def answer(_: web.Request) -> web.Response:
        await asyncio.Event().wait()
        return web.Response()

    tally = await send(answer, count=3, patience=0.2)
    assert tally.lost_total == tally.sent
    assert tally.in_flight == 0


async def test_slow_answers_do_not_slow_the_requests_down() -> None:
    arrived = 0
    everyone = asyncio.Event()

    async def answer(_: web.Request) -> web.Response:
        nonlocal arrived
        arrived += 1
        if arrived >= 50:
            everyone.set()
        await everyone.wait()  # a client that waited for answers would never send the fiftieth
        return web.Response(headers={"x-perennial-served-by": "slow"})

    tally = await send(answer, count=50)
    assert tally.lost_total == 0
