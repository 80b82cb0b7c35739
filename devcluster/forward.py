"""Forwards ports of the machine's loopback into the cluster's network namespace; runs as a daemon of its own.

    python3 forward.py NAMESPACE_FILE LISTEN_PORT=HOST:PORT ...

It listens where it is started and connects from within the namespace.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import socket
import sys
from collections.abc import Awaitable, Callable

_CLONE_NEWNET = 0x40000000
_CHUNK = 1 << 16

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def enter_namespace(path: str) -> None:
    """Move this process into a network namespace; sockets that it has stay where they were made."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        if ctypes.CDLL(None, use_errno=True).setns(descriptor, _CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), path)
    finally:
        os.close(descriptor)


def send_at_once(writer: asyncio.StreamWriter) -> None:
    """Set TCP_NODELAY: asyncio does not do it for accepted sockets, and each request would wait 40 ms."""
    writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy one direction until its end, never faster than the other side reads, and pass that end on."""
    while data := await reader.read(_CHUNK):
        writer.write(data)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()


async def join(one: tuple[asyncio.StreamReader, asyncio.StreamWriter],
               other: tuple[asyncio.StreamReader, asyncio.StreamWriter]) -> None:  # fmt: skip
    """Copy both directions; a broken one ends both at once, an ended one lets the other go on."""
    tasks = [asyncio.ensure_future(copy(one[0], other[1])), asyncio.ensure_future(copy(other[0], one[1]))]
    try:
        await asyncio.gather(*tasks)
    except OSError:
        for writer in (one[1], other[1]):
            writer.transport.abort()
    finally:
        for task in tasks:
            task.cancel()
        for writer in (one[1], other[1]):
            writer.close()


def handler(host: str, port: int) -> Handler:
    """What serves a connection by forwarding it to HOST:PORT; a target that refuses closes the connection."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        send_at_once(writer)
        try:
            target = await asyncio.open_connection(host, port)
        except OSError:
            writer.transport.abort()
            return
        send_at_once(target[1])
        with contextlib.suppress(OSError):
            await join((reader, writer), target)

    return serve


async def forward(sockets: list[tuple[socket.socket, str, int]]) -> None:
    """Serve every listening socket for ever."""
    servers = [await asyncio.start_server(handler(host, port), sock=sock) for sock, host, port in sockets]
    await asyncio.gather(*(server.serve_forever() for server in servers))


def main(arguments: list[str]) -> None:
    """Listen, enter the namespace, forward."""
    namespace, *rules = arguments
    sockets = []
    for rule in rules:
        listen, _, target = rule.partition("=")
        host, _, port = target.rpartition(":")
        listening = socket.create_server(("127.0.0.1", int(listen)), backlog=1024)
        sockets.append((listening, host, int(port)))
    enter_namespace(namespace)
    asyncio.run(forward(sockets))


if __name__ == "__main__":
    main(sys.argv[1:])
