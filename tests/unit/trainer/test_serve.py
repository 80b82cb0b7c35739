"""The server over real HTTP, in a process of its own."""

import asyncio
import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
from served import Served, command, free_port, serve

from perennial_trainer import __main__
from perennial_trainer.serve.batching import Batcher
from perennial_trainer.signature import Row, RowError

GOOD = {"mean radius": 15.0, "mean texture": 20.0, "worst concave points": 0.1, "clinic": "north", "shift": "late"}


def predict(server: Served, instances: Any) -> httpx.Response:
    return httpx.post(f"{server.url}/v1/models/cancer:predict", json={"instances": instances}, timeout=10)


def test_golden_rows_by_v1(server: Served, golden: dict[str, list[Any]]) -> None:
    response = predict(server, golden["instances"])
    assert response.status_code == 200
    assert response.json() == {"predictions": golden["predictions"]}
    assert response.headers["x-perennial-served-by"] == "cancer-1"
    assert response.headers["content-type"] == "application/json"


def test_one_row_alone_or_as_a_list_gets_the_same_answer(server: Served, golden: dict[str, list[Any]]) -> None:
    for row, expected in list(zip(golden["instances"], golden["predictions"], strict=True))[:20]:
        assert predict(server, [row]).json()["predictions"] == [expected]
        assert predict(server, [list(row.values())]).json()["predictions"] == [expected]


def test_missing_values_are_null(server: Served) -> None:
    assert predict(server, [{**GOOD, "mean radius": None, "shift": None}]).status_code == 200


@pytest.mark.parametrize(
    ("change", "parts"),
    [
        ({"clinic": "west"}, ["'clinic'", "'west'"]),
        ({"clinic": None}, ["'clinic'", "null"]),
        ({"mean texture": "rough"}, ["'mean texture'", "'rough'"]),
        ({"colour": 1}, ["'colour'"]),
    ],
)
def test_a_bad_row_is_a_400_that_names_the_column(server: Served, change: dict[str, Any], parts: list[str]) -> None:
    response = predict(server, [GOOD, {**GOOD, **change}])
    assert response.status_code == 400
    assert all(part in response.json()["error"] for part in ["row 2", *parts])
    assert response.headers["x-perennial-served-by"] == "cancer-1"


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"rows": []}', b'{"instances": 1}', b""])
@pytest.mark.parametrize("content_type", ["application/json", "application/x-www-form-urlencoded"])
def test_what_is_no_request_is_a_400(server: Served, content: bytes, content_type: str) -> None:
    url = f"{server.url}/v1/models/cancer:predict"
    response = httpx.post(url, content=content, headers={"content-type": content_type})
    assert response.status_code == 400
    assert response.json()["error"]


def test_curl_without_a_content_type_is_understood(server: Served) -> None:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    content = json.dumps({"instances": [GOOD]}).encode()
    assert httpx.post(f"{server.url}/v1/models/cancer:predict", content=content, headers=headers).status_code == 200


def tensors(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Rows as a v2 request."""
    kinds = {name: "FP64" if isinstance(value, float) else "BYTES" for name, value in GOOD.items()}
    return {
        "inputs": [
            {"name": name, "shape": [len(rows)], "datatype": kinds[name], "data": [row[name] for row in rows]}
            for name in GOOD
        ]
    }


def test_v2_gives_the_answers_of_v1(server: Served, golden: dict[str, list[Any]]) -> None:
    whole = [row for row in golden["instances"] if None not in row.values()][:30]
    response = httpx.post(f"{server.url}/v2/models/cancer/infer", json=tensors(whole))
    assert response.status_code == 200
    (output,) = response.json()["outputs"]
    assert (output["name"], output["datatype"], output["shape"]) == ("benign", "INT64", [len(whole)])
    assert output["data"] == predict(server, whole).json()["predictions"]
    assert response.json()["id"]


def test_v2_refuses_what_v1_refuses(server: Served) -> None:
    unseen = httpx.post(f"{server.url}/v2/models/cancer/infer", json=tensors([{**GOOD, "clinic": "west"}]))
    assert (unseen.status_code, "'west'" in unseen.json()["error"]) == (400, True)
    request = tensors([GOOD])
    del request["inputs"][0]
    missing = httpx.post(f"{server.url}/v2/models/cancer/infer", json=request)
    assert (missing.status_code, "'mean radius'" in missing.json()["error"]) == (400, True)


def test_v2_metadata_is_the_signature(server: Served) -> None:
    metadata = httpx.get(f"{server.url}/v2/models/cancer").json()
    assert [item["name"] for item in metadata["inputs"]] == list(GOOD)
    assert metadata["outputs"] == [{"name": "benign", "datatype": "INT64", "shape": [-1]}]


def test_only_what_is_meant_to_be_there(server: Served) -> None:
    assert httpx.get(f"{server.url}/v1/models/cancer").json()["ready"] is True
    assert httpx.get(f"{server.url}/v1/models/other").status_code == 404
    assert "request_predict_seconds" in httpx.get(f"{server.url}/metrics").text
    for action in ("load", "unload"):
        assert httpx.post(f"{server.url}/v2/repository/models/cancer/{action}").status_code == 404
    assert predict(server, [GOOD]).status_code == 200


def test_no_line_a_request_in_the_log(server: Served) -> None:
    before = server.log.stat().st_size
    for instances in ([GOOD], [{**GOOD, "clinic": "west"}]):
        for _ in range(5):
            predict(server, instances)
    assert server.log.stat().st_size == before


class Clients:
    """Several clients that send one row after the other, as a gateway does; whatever fails is kept."""

    def __init__(self, url: str, count: int) -> None:
        self._url = url
        self._stop = threading.Event()
        self.results: list[object] = []
        self._threads = [threading.Thread(target=self._run) for _ in range(count)]
        for thread in self._threads:
            thread.start()

    def _run(self) -> None:
        with httpx.Client(timeout=30) as client:
            while not self._stop.is_set():
                try:
                    response = client.post(f"{self._url}/v1/models/cancer:predict", json={"instances": [GOOD]})
                    self.results.append(response.status_code)
                except httpx.HTTPError as error:
                    self.results.append(repr(error))

    def wait_for_more(self, count: int) -> None:
        """Until so many more requests have ended."""
        deadline, goal = time.monotonic() + 60, len(self.results) + count
        while len(self.results) < goal:
            assert time.monotonic() < deadline
            time.sleep(0.005)

    def stop(self) -> list[object]:
        """Send no more; every request has ended after this."""
        self._stop.set()
        for thread in self._threads:
            thread.join()
        return self.results


def test_nothing_is_lost_when_the_pod_stops(artifact: Path) -> None:
    with serve(artifact, drain_seconds=4) as served:
        clients = Clients(served.url, 6)
        clients.wait_for_more(30)
        served.process.send_signal(signal.SIGTERM)
        while served.ready():
            clients.wait_for_more(1)
        clients.wait_for_more(30)  # the gateway goes on until it has heard that the pod is not ready
        results = clients.stop()
        assert served.process.poll() is None
        served.process.wait(30)
    assert set(results) == {200}
    assert served.process.returncode in (0, -signal.SIGTERM)


def test_a_tampered_artifact_never_serves(artifact: Path, tmp_path: Path) -> None:
    outcome = tmp_path / "termination-log"
    result = subprocess.run(
        command(artifact, "0" * 64, free_port()),
        env={**os.environ, "PERENNIAL_OUTCOME_PATH": str(outcome)},
        capture_output=True,
        timeout=30,
        check=False,
    )
    assert result.returncode == __main__.EXPLAINED
    assert json.loads(outcome.read_bytes())["reason"] == "DigestMismatch"
    assert b"DigestMismatch" in result.stdout


async def test_requests_share_a_predict_and_a_bad_one_fails_alone() -> None:
    sizes = []

    def double(rows: Sequence[Row]) -> list[Any]:
        sizes.append(len(rows))
        if any(row == ["bad"] for row in rows):
            raise RowError("bad row")
        return [row[0] * 2 for row in rows]

    batcher = Batcher(double, max_rows=4)
    requests: list[list[Row]] = [[[1]], [[2], [3]], [["bad"]], [[4]], [[5]], [[6]] * 7]
    results = await asyncio.gather(*(batcher.submit(rows) for rows in requests), return_exceptions=True)
    assert isinstance(results[2], RowError)
    assert [r for i, r in enumerate(results) if i != 2] == [[2], [4, 6], [8], [10], [12] * 7]
    assert max(sizes) == 7  # a request is never split
    assert len(sizes) < 12
