"""The real client against an HTTP server on this machine."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from perennial.ports.prometheus import HttpPrometheus, PrometheusUnavailable, Series, parse_matrix

MATRIX = [{"metric": {"__name__": "up", "isvc": "m-1"}, "values": [[10.5, "3"], [5.5, "1"], [12, "NaN"]]}]


class Stand:
    """What the server answers, and what it was asked."""

    def __init__(self) -> None:
        self.status, self.body = 200, json.dumps({"status": "success", "data": {"result": MATRIX}})
        self.asked: list[dict[str, list[str]]] = []
        self.hang = threading.Event()
        self.hang.set()
        self.url = ""


@pytest.fixture
def stand() -> Iterator[Stand]:
    state = Stand()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.asked.append(parse_qs(urlsplit(self.path).query))
            state.hang.wait(10)
            self.send_response(state.status)
            self.end_headers()
            self.wfile.write(state.body.encode())

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of the overridden method
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_port}/"
    yield state
    state.hang.set()
    server.shutdown()
    thread.join()
    server.server_close()


async def failure(source: HttpPrometheus) -> PrometheusUnavailable:
    with pytest.raises(PrometheusUnavailable) as caught:
        await source.query("up[5s]", 100.0)
    source.close()
    return caught.value


async def test_samples_at_an_explicit_time(stand: Stand) -> None:
    source = HttpPrometheus(stand.url)
    answer = await source.query('up{isvc!=""}[60s]', 1_800_000_000.125)
    source.close()
    assert answer == [Series({"__name__": "up", "isvc": "m-1"}, ((5.5, 1.0), (10.5, 3.0)))]
    assert stand.asked == [{"query": ['up{isvc!=""}[60s]'], "time": ["1800000000.125"]}]


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (503, "later", "Failing"),
        (400, '{"status":"error","error":"parse error"}', "QueryRefused"),
        (200, "<html>", "NotUnderstood"),
        (200, "{}", "NotUnderstood"),
        (200, '{"data":{"result":[1]}}', "NotUnderstood"),
        (200, '{"data":{"result":[{"metric":{},"value":[1,"2"]}]}}', "NotUnderstood"),
        (200, '{"data":{"result":[]},"warnings":["a store did not answer"]}', "PartialAnswer"),
    ],
)
async def test_what_cannot_be_used(stand: Stand, status: int, body: str, reason: str) -> None:
    stand.status, stand.body = status, body
    error = await failure(HttpPrometheus(stand.url))
    assert error.reason == reason
    assert error.sentence.startswith(("Prometheus", "What answers"))
    assert len(stand.asked) == 1, "no retries: an outage must show at once"


async def test_nobody_there() -> None:
    assert (await failure(HttpPrometheus("http://127.0.0.1:1"))).reason == "Unreachable"


async def test_a_server_that_hangs(stand: Stand) -> None:
    stand.hang.clear()
    assert (await failure(HttpPrometheus(stand.url, read_timeout=0.1))).reason == "Timeout"


async def test_one_query_in_flight(stand: Stand) -> None:
    stand.hang.clear()
    source = HttpPrometheus(stand.url, deadline=0.1)
    for sentence in ("did not answer within", "has not answered the last query yet"):
        with pytest.raises(PrometheusUnavailable, match=sentence):
            await source.query("up[5s]", 100.0)
    stand.hang.set()
    source.close()


def test_histograms_are_left_out() -> None:
    assert parse_matrix([{"metric": {}, "histograms": []}]) == []
