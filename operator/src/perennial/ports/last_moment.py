"""A check at the last moment before a request's bytes go to the socket.

Between the decision to send a request and its first byte lie a token that is read, a connection that is made, a TLS
handshake, turns of the event loop; and the process may be frozen anywhere there. What is checked before all of that may
be untrue after it. aiohttp tells of a chunk of the body right before it writes it, headers and body together, with
nothing to wait for in between.
"""

from collections.abc import Callable
from contextvars import ContextVar
from types import SimpleNamespace

import aiohttp

_check: ContextVar[Callable[[], None] | None] = ContextVar("check", default=None)


def before_sending(check: Callable[[], None]) -> None:
    """Call `check` right before the body of this task's next request is sent; what it raises stops the request."""
    _check.set(check)


def last_moment() -> aiohttp.TraceConfig:
    """What a session needs so that `before_sending` works."""
    trace = aiohttp.TraceConfig()
    trace.on_request_chunk_sent.append(_on_chunk)
    return trace


async def _on_chunk(
    _session: aiohttp.ClientSession, _context: SimpleNamespace, _chunk: aiohttp.TraceRequestChunkSentParams
) -> None:
    check = _check.get()
    if check is not None:
        check()
