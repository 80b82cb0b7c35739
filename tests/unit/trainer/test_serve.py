"""The server over real HTTP, in a process of its own."""

import asyncio
import json
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
from served import Served, command, free_port, serve

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


async def _client(url: str, stop: asyncio.Event, statuses: list[int]) -> None:
    async with httpx.AsyncClient(timeout=10) as client:
        while not stop.is_set():
            try:
                response = await client.post(f"{url}/v1/models/cancer:predict", json={"instances": [GOOD]})
            except httpx.ConnectError:
                return  # nobody listens any more, which is fine once the drain is over
            statuses.append(response.status_code)


async def test_nothing_is_lost_when_the_pod_stops(artifact: Path) -> None:
    with serve(artifact, drain_seconds=1.5) as served:
        stop = asyncio.Event()
        statuses: list[int] = []
        clients = [asyncio.create_task(_client(served.url, stop, statuses)) for _ in range(6)]
        while len(statuses) < 50:
            await asyncio.sleep(0.01)
        served.process.send_signal(signal.SIGTERM)
        before = len(statuses)
        while served.ready():
            await asyncio.sleep(0.01)
        assert served.process.poll() is None  # not ready any more, and still answering
        await asyncio.to_thread(served.process.wait, 20)
        stop.set()
        await asyncio.gather(*clients)
    assert len(statuses) > before + 20
    assert set(statuses) == {200}
    assert served.process.returncode in (0, -signal.SIGTERM)


def test_a_tampered_artifact_never_serves(artifact: Path, tmp_path: Path) -> None:
    outcome = tmp_path / "termination-log"
    result = subprocess.run(
        command(artifact, "0" * 64, free_port()),
        env={"PERENNIAL_OUTCOME_PATH": str(outcome), **_python_env()},
        capture_output=True,
        timeout=30,
        check=False,
    )
    assert result.returncode == 1
    assert json.loads(outcome.read_bytes())["reason"] == "DigestMismatch"
    assert b"DigestMismatch" in result.stdout


def _python_env() -> dict[str, str]:
    import os

    return {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}


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
