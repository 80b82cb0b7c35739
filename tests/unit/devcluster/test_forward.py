"""The forwarder, over real sockets: everything arrives, ends are passed on, nothing hangs."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from devcluster import forward

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]
DEADLINE = 10


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[int]:
    server = await asyncio.start_server(handler, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


@asynccontextmanager
async def through(target: Handler) -> AsyncIterator[Ends]:
    async with serving(target) as port, serving(forward.handler("127.0.0.1", port)) as front:
        reader, writer = await asyncio.open_connection("127.0.0.1", front)
        try:
            yield reader, writer
        finally:
            writer.close()


async def test_a_client_that_has_said_all_still_hears_the_answer() -> None:
    async def answer_at_the_end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        everything = await reader.read()
        writer.write(str(len(everything)).encode())
        writer.close()

    async with asyncio.timeout(DEADLINE), through(answer_at_the_end) as (reader, writer):
        writer.write(b"x" * 3_000_000)
        writer.write_eof()
        assert await reader.read() == b"3000000"


async def test_a_server_that_has_said_all_still_hears_the_client() -> None:
    heard = asyncio.get_running_loop().create_future()

    async def end_first(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"done")
        writer.write_eof()
        heard.set_result(await reader.read())
        writer.close()

    async with asyncio.timeout(DEADLINE), through(end_first) as (reader, writer):
        assert await reader.read() == b"done"
        writer.write(b"late")
        writer.write_eof()
        assert await heard == b"late"


async def test_a_target_that_is_away_ends_the_connection() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    async with asyncio.timeout(DEADLINE), serving(forward.handler("127.0.0.1", port)) as front:
        reader, writer = await asyncio.open_connection("127.0.0.1", front)
        assert await reader.read() == b""
        writer.close()


async def test_a_client_that_breaks_off_frees_the_target() -> None:
    ended = asyncio.get_running_loop().create_future()

    async def wait_for_end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            ended.set_result(await reader.read())
        except ConnectionError as error:
            ended.set_result(error)
        writer.close()

    async with asyncio.timeout(DEADLINE), through(wait_for_end) as (_, writer):
        writer.transport.abort()
        await ended


async def test_a_slow_reader_holds_the_sender_back() -> None:
    sent = 0

    async def pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        while not writer.is_closing():
            writer.write(b"x" * 65536)
            sent += 65536
            await writer.drain()

    async with asyncio.timeout(DEADLINE), through(pour) as (reader, writer):
        before = -1
        while sent != before:  # the sender stands still although nobody has read more than a buffer
            before = sent
            await asyncio.sleep(0.3)
        assert sent < 64_000_000
        assert len(await reader.readexactly(1_000_000)) == 1_000_000
        writer.transport.abort()


async def test_requests_do_not_wait_for_acknowledgements() -> None:
    options = []

    async def look(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        forward.send_at_once(writer)
        options.append(writer.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        writer.close()

    async with asyncio.timeout(DEADLINE), serving(look) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        await reader.read()
        writer.close()
    assert options == [1]
