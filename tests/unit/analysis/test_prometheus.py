"""The real client against an HTTP server on this machine."""

from __future__ import annotations

import base64
import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from devcluster.pki import Certificate, issue, make_authority
from perennial.ports.prometheus import HttpPrometheus, PrometheusUnavailable, Series, parse_matrix

MATRIX = [{"metric": {"__name__": "up", "isvc": "m-1"}, "values": [[10.5, "3"], [5.5, "1"], [12, "NaN"]]}]


class Stand:
    """What the server answers, and what it was asked."""

    def __init__(self) -> None:
        self.status, self.body = 200, json.dumps({"status": "success", "data": {"result": MATRIX}})
        self.asked: list[dict[str, list[str]]] = []
        self.signed: list[str | None] = []
        self.hang = threading.Event()
        self.hang.set()
        self.url = ""


@pytest.fixture
def stand() -> Iterator[Stand]:
    state = Stand()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.asked.append(parse_qs(urlsplit(self.path).query))
            state.signed.append(self.headers["Authorization"])
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
    ("status", "body", "reason", "words"),
    [
        (503, "later", "Failing", "fails: HTTP Status Code 503"),
        (400, '{"status":"error","error":"parse error"}', "QueryRefused", "refused the query: HTTP Status Code 400"),
        (200, "<html>", "NotUnderstood", "mend the operator's prometheus-url"),
        (200, "{}", "NotUnderstood", "mend the operator's prometheus-url"),
        (200, '{"data":{"result":[1]}}', "NotUnderstood", "does not speak Prometheus' API"),
        (200, '{"data":{"result":[{"metric":{},"value":[1,"2"]}]}}', "NotUnderstood", "does not speak"),
        (
            200,
            '{"data":{"result":[]},"warnings":["a store did not answer"]}',
            "PartialAnswer",
            "a store did not answer",
        ),
    ],
)
async def test_what_cannot_be_used(stand: Stand, status: int, body: str, reason: str, words: str) -> None:
    stand.status, stand.body = status, body
    error = await failure(HttpPrometheus(stand.url))
    assert error.reason == reason
    assert error.sentence.startswith(("Prometheus", "What answers"))
    assert words in error.sentence
    assert len(stand.asked) == 1, "no retries: an outage must show at once"


async def test_nobody_there() -> None:
    error = await failure(HttpPrometheus("http://127.0.0.1:1"))
    assert error.reason == "Unreachable"
    assert "start it, or mend" in error.sentence


async def test_a_server_that_hangs(stand: Stand) -> None:
    stand.hang.clear()
    error = await failure(HttpPrometheus(stand.url, read_timeout=0.1))
    assert error.reason == "Timeout"
    assert "it hangs or is overloaded" in error.sentence


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


async def test_a_token_of_a_file_that_rotates(stand: Stand, tmp_path: Path) -> None:
    token = tmp_path / "token"
    source = HttpPrometheus(stand.url, token_file=str(token))
    for value in ("first", "second"):
        token.write_text(f"{value}\n")
        await source.query("up[5s]", 100.0)
    source.close()
    assert stand.signed == ["Bearer first", "Bearer second"]


async def test_a_user_of_the_url_is_sent_and_never_said(stand: Stand) -> None:
    stand.status = 401
    error = await failure(HttpPrometheus(stand.url.replace("://", "://some%40one:s3cret-word@")))
    assert stand.signed == [f"Basic {base64.b64encode(b'some@one:s3cret-word').decode()}"]
    assert "s3cret" not in repr(error)
    assert "s3cret" not in (await failure(HttpPrometheus("http://u:s3cret@127.0.0.1:1"))).sentence


@pytest.mark.parametrize("option", ["token_file", "ca_file"])
async def test_a_file_that_is_not_there_is_named(stand: Stand, option: str, tmp_path: Path) -> None:
    url = stand.url.replace("http:", "https:") if option == "ca_file" else stand.url
    source = HttpPrometheus(url, **{option: str(tmp_path / "absent")})  # type: ignore[arg-type]
    error = await failure(source)
    assert error.reason == "FileUnreadable"
    assert str(tmp_path / "absent") in error.sentence
    assert stand.asked == []


async def test_a_server_is_checked_against_the_certificates_of_a_file(tmp_path: Path) -> None:
    make_authority(tmp_path, "test")
    issue(tmp_path, Certificate("server", "/CN=server", ("serverAuth",), ("DNS:localhost",)))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.crt", tmp_path / "server.key")
    with serving_nothing(context) as port:
        url = f"https://localhost:{port}"
        assert (await failure(HttpPrometheus(url, ca_file=str(tmp_path / "ca.crt")))).reason == "NotUnderstood"
        assert (await failure(HttpPrometheus(url))).sentence.count("(SSLError)") == 1


@contextmanager
def serving_nothing(context: ssl.SSLContext) -> Iterator[int]:
    """A server with TLS that answers with an empty page."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of the overridden method
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
