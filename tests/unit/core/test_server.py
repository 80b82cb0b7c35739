"""The endpoint of every replica."""

import asyncio
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from perennial.core.live import Board
from perennial.core.metrics import Metrics
from perennial.core.server import serving


class Served:
    """An operator's endpoint in an event loop of its own, which the test may hang."""

    def __init__(self) -> None:
        self.ready = False
        self.board = Board()
        self.port = 0
        self.hung, self.go_on = threading.Event(), threading.Event()
        self._loop = asyncio.new_event_loop()
        self._end = asyncio.Event()
        self._up = threading.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._serve(),), daemon=True)

    async def _serve(self) -> None:
        async with serving(Metrics(), 0, lambda: self.ready, self.board) as self.port:
            self._up.set()
            await self._end.wait()

    def start(self) -> None:
        self._thread.start()
        assert self._up.wait(10)

    def hang(self) -> None:
        """Something blocks the loop until `go_on`."""

        def block() -> None:
            self.hung.set()
            self.go_on.wait(10)

        self._loop.call_soon_threadsafe(block)
        assert self.hung.wait(10)

    def stop(self) -> None:
        self.go_on.set()
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(10)

    def fetch(self, path: str) -> int:
        """The status. Raises OSError."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=0.5) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code


@contextmanager
def running() -> Iterator[Served]:
    served = Served()
    served.start()
    try:
        yield served
    finally:
        served.stop()


def test_ready_is_asked_for_each_time() -> None:
    with running() as served:
        assert served.fetch("/readyz") == 503
        served.ready = True
        assert served.fetch("/readyz") == 200
        assert served.fetch("/metrics") == 200


def test_a_loop_that_hangs_does_not_answer_healthz_so_that_it_is_killed() -> None:
    with running() as served:
        assert served.fetch("/healthz") == 200
        served.hang()
        with pytest.raises(OSError, match="timed out"):
            served.fetch("/healthz")
        served.go_on.set()


def test_only_the_one_that_leads_tells_of_rollouts() -> None:
    with running() as served:
        assert served.fetch("/rollouts/flights/late") == 503
        served.board.answer = lambda namespace, name: (
            {"trace": []} if (namespace, name) == ("flights", "late") else None
        )
        assert served.fetch("/rollouts/flights/late") == 200
        assert served.fetch("/rollouts/flights/other") == 404
        assert served.fetch("/rollouts/flights") == 404
