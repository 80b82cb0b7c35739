"""Preflight against the real server, and against servers that answer wrongly."""

import http.server
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from served import Served, free_port

from perennial_trainer import __main__, preflight
from perennial_trainer.errors import WorkError

Answer = Callable[[dict[str, Any]], tuple[int, Any]]


def env(url: str, artifact: Path, **more: str) -> dict[str, str]:
    return {
        "PERENNIAL_PREFLIGHT_URL": url,
        "PERENNIAL_ARTIFACT_PATH": str(artifact),
        "PERENNIAL_DEADLINE_SECONDS": "1",
        **more,
    }


class _Gateway(http.server.ThreadingHTTPServer):
    answers: list[tuple[int, Any]]
    headers: list[dict[str, str]]


class _Handler(http.server.BaseHTTPRequestHandler):
    server: _Gateway

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.headers.append({name.lower(): value for name, value in self.headers.items()})
        answers = self.server.answers
        status, body = answers.pop(0) if len(answers) > 1 else answers[0]
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *_: Any) -> None:
        """Nothing on the terminal."""


@pytest.fixture
def gateway() -> Iterator[_Gateway]:
    """A server that gives the answers it is told to, the last one for ever."""
    server = _Gateway(("127.0.0.1", 0), _Handler)
    server.answers, server.headers = [], []
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


def url_of(gateway: _Gateway) -> str:
    return f"http://127.0.0.1:{gateway.server_address[1]}/v1/models/cancer:predict"


def test_the_real_server_passes(server: Served, artifact: Path, golden: dict[str, list[Any]]) -> None:
    outcome = preflight.main(env(f"{server.url}/v1/models/cancer:predict", artifact))
    assert outcome == {"outcome": "Succeeded", "rows": len(golden["instances"])}


def test_a_wrong_answer_is_final_and_named(gateway: _Gateway, artifact: Path, golden: dict[str, list[Any]]) -> None:
    wrong = list(golden["predictions"])
    wrong[6] = 1 - wrong[6]
    gateway.answers = [(200, {"predictions": wrong})]
    with pytest.raises(WorkError, match="golden row 7") as caught:
        preflight.main(env(url_of(gateway), artifact))
    assert caught.value.reason == "GoldenRowsDiffer"
    assert len(gateway.headers) == 1


def test_a_refusal_is_final(gateway: _Gateway, artifact: Path) -> None:
    gateway.answers = [(400, {"error": "row 1 has no column 'clinic'"})]
    with pytest.raises(WorkError, match="no column 'clinic'") as caught:
        preflight.main(env(url_of(gateway), artifact))
    assert caught.value.reason == "GoldenRowsDiffer"


def test_a_route_may_take_a_moment(gateway: _Gateway, artifact: Path, golden: dict[str, list[Any]]) -> None:
    gateway.answers = [(404, None), (503, "no healthy upstream"), (200, {"predictions": golden["predictions"]})]
    more = {"PERENNIAL_PREFLIGHT_HOST": "flights.localhost", "PERENNIAL_PREFLIGHT_TOKEN": "secret"}
    outcome = preflight.main(env(url_of(gateway), artifact, **{**more, "PERENNIAL_DEADLINE_SECONDS": "20"}))
    assert outcome["outcome"] == "Succeeded"
    assert len(gateway.headers) == 3
    assert gateway.headers[2]["host"] == "flights.localhost"
    assert gateway.headers[2]["x-perennial-revision"] == "secret"


@pytest.mark.parametrize(("status", "reason"), [(404, "NoAnswer"), (500, "ServerError"), (503, "NoAnswer")])
def test_no_answer_until_the_deadline(gateway: _Gateway, artifact: Path, status: int, reason: str) -> None:
    gateway.answers = [(status, "not here")]
    with pytest.raises(WorkError, match=str(status)) as caught:
        preflight.main(env(url_of(gateway), artifact))
    assert caught.value.reason == reason


def test_nobody_listens(artifact: Path) -> None:
    with pytest.raises(WorkError) as caught:
        preflight.main(env(f"http://127.0.0.1:{free_port()}/", artifact))
    assert caught.value.reason == "NoAnswer"


@pytest.mark.parametrize("content", [None, "{}", '{"instances": [], "predictions": []}', "not JSON"])
def test_no_golden_rows(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "golden.json").write_text(content)
    with pytest.raises(WorkError) as caught:
        preflight.main(env("http://127.0.0.1:9/", tmp_path))
    assert caught.value.reason == "NoGoldenRows"


def test_work_that_is_told_to_stop_stops(gateway: _Gateway, artifact: Path) -> None:
    gateway.answers = [(503, "not yet")]
    variables = env(url_of(gateway), artifact, PERENNIAL_DEADLINE_SECONDS="600")
    work = subprocess.Popen([sys.executable, "-m", "perennial_trainer", "preflight"], env={**os.environ, **variables})
    deadline = time.monotonic() + 60
    while not gateway.headers:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    work.send_signal(signal.SIGTERM)
    assert work.wait(30) == __main__.TERMINATED
