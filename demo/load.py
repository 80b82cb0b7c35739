"""The load client: requests at a constant rate, whatever the answers take. Never retries.

Runs as a process of its own (``python -m demo.load``), so that nothing in its parent can delay a request. It prints its
counts as a line of JSON twice a second, and ends when its standard input is closed: it then waits for the answers that
are due and prints a last line.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from demo.tally import Answer, Tally

_REPORT_SECONDS = 0.5
SERVED_BY = "x-perennial-served-by"


@dataclass(frozen=True)
class Load:
    """What is sent.

    Attributes:
        url: where to; the address is connected to as it is.
        host: the Host header.
        rate: requests per second.
        timeout: seconds after which a request is given up; longer than the gateway's own timeout.
    """

    url: str
    host: str
    rate: float
    timeout: float = 30.0


async def run(load: Load, bodies: Sequence[bytes], tally: Tally, stop: asyncio.Event) -> None:
    """Send the bodies in turn, one each 1/rate seconds, until `stop`; return when every answer is in."""
    timeout = aiohttp.ClientTimeout(total=load.timeout)
    # Without a limit a slow answer never delays the next request. POST is never repeated by aiohttp.
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=300)
    loop = asyncio.get_running_loop()
    async with (
        aiohttp.ClientSession(connector=connector, timeout=timeout) as session,
        asyncio.TaskGroup() as requests,
    ):
        start = loop.time()
        while not stop.is_set():
            due = start + tally.sent / load.rate
            await _until(due, stop)
            if not stop.is_set():
                requests.create_task(_count(session, load, bodies[tally.sent % len(bodies)], due, tally))
                tally.sent += 1


async def _until(due: float, stop: asyncio.Event) -> None:
    wait = due - asyncio.get_running_loop().time()
    if wait > 0:
        try:
            await asyncio.wait_for(stop.wait(), wait)
        except TimeoutError:
            return


async def _count(session: aiohttp.ClientSession, load: Load, body: bytes, due: float, tally: Tally) -> None:
    headers = {"Host": load.host, "Content-Type": "application/json"}
    loop = asyncio.get_running_loop()
    try:
        async with session.post(load.url, data=body, headers=headers) as response:
            await response.read()
            seconds = loop.time() - due
            tally.add(Answer(seconds, response.status, response.headers.get(SERVED_BY, "")))
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        tally.add(Answer(loop.time() - due, error=type(error).__name__))


async def _report(tally: Tally) -> None:
    while True:
        _print(tally, final=False)
        await asyncio.sleep(_REPORT_SECONDS)


def _print(tally: Tally, *, final: bool) -> None:
    print(json.dumps({"final": final, **tally.to_json()}), flush=True)


async def _main(load: Load, bodies: Sequence[bytes]) -> None:
    tally, stop, loop = Tally(), asyncio.Event(), asyncio.get_running_loop()
    reader = loop.run_in_executor(None, sys.stdin.read)  # returns when the parent closes it, or is gone
    reader.add_done_callback(lambda _: stop.set())
    report = asyncio.create_task(_report(tally))
    await run(load, bodies, tally, stop)
    report.cancel()
    _print(tally, final=True)


def main() -> None:
    """Read the arguments and the rows, and send."""
    parser = argparse.ArgumentParser(description="Send rows to a model at a constant rate.")
    parser.add_argument("--url", required=True)
    parser.add_argument("--host", required=True)
    parser.add_argument("--rate", type=float, default=100.0)
    parser.add_argument("--timeout", type=float, default=30.0)
    parser.add_argument("--rows", type=Path, required=True, help="a file with one JSON object a line")
    given = parser.parse_args()
    bodies = [f'{{"instances":[{line}]}}'.encode() for line in given.rows.read_text().splitlines()]
    asyncio.run(_main(Load(given.url, given.host, given.rate, given.timeout), bodies))


if __name__ == "__main__":
    main()
