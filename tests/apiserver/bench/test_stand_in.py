"""What the benchmark's stand-in answers is what the real Prometheus answers, for every query of the operator."""

from __future__ import annotations

import json
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socket import create_server
from typing import Any

import pytest

from bench.scale.prometheus import StandIn, UnknownFormError
from bench.scale.traffic import JOB, Gateway
from devcluster import go
from perennial.core import merging
from perennial.core.counting.family import Wanted
from perennial.core.counting.pods import PodErrors
from perennial.core.polling import Grid
from perennial.core.sources import gateway_families
from perennial.rollout.counts import NAMESPACE_LABEL, SERVICE_LABEL, TIME_BUCKET, TOTAL
from tests.apiserver.support import until

SCRAPES, SECONDS = 14, 5.0
OWNERS = (("team-00", "m0000-one"), ("team-00", "m0001-two"))
ERRORS, LATENCY = (gateway_families(JOB)[name] for name in ("errors", "latency"))
QUERIES = {
    "errors of all": ERRORS.query(65, Wanted()),
    "errors of some": ERRORS.query(3660, Wanted(OWNERS)),
    "a short range": ERRORS.query(10, Wanted()),
    "latency of all": LATENCY.query(65, Wanted()),
    "latency of some, at one edge": LATENCY.query(65, Wanted(OWNERS, ("25.0", "25"))),
    "single pods": PodErrors(JOB).query(3660, Wanted(OWNERS)),
    "what is counted by rule": merging.query(Grid()),
}
EMPTY = {"single pods"}


@dataclass
class Both:
    """The stand-in and the real one, with the same samples; `times` are those of the scrapes."""

    standin: StandIn
    url: str
    times: list[float]

    def real(self, promql: str, at: float) -> dict[str, Any]:
        query = urllib.parse.urlencode({"query": promql, "time": f"{at:.3f}"})
        with urllib.request.urlopen(f"{self.url}/api/v1/query?{query}", timeout=5) as answer:
            found: dict[str, Any] = json.load(answer)
            return found


def series_of(answer: dict[str, Any]) -> dict[str, list[tuple[float, float]]]:
    """Samples by labels."""
    assert answer["status"] == "success"
    assert answer["data"]["resultType"] == "matrix"
    return {
        json.dumps(each["metric"], sort_keys=True): [(float(when), float(value)) for when, value in each["values"]]
        for each in answer["data"]["result"]
    }


class Source:
    """Serves one scrape after the other, each to the first who asks after the one before."""

    def __init__(self) -> None:
        self.standin = StandIn()
        self.gateway = Gateway(self.standin, SECONDS)
        for namespace, stable, canary in (("team-00", "m0000-one", "m0000-two"), ("team-00", "m0001-one", "m0001-two")):
            self.gateway.pair(namespace, stable, canary)
        bucket = {"job": JOB, "instance": "gateway", NAMESPACE_LABEL: "team-00", SERVICE_LABEL: "m0000-one"}
        self.slow = [self.standin.add({**bucket, "__name__": TIME_BUCKET, "le": edge}) for edge in ("25", "50", "+Inf")]
        by_rule = {"job": JOB, "instance": "gateway", "envoy_cluster_name": "httproute/team-00/m0000/rule/0"}
        self.standin.add({**by_rule, "__name__": TOTAL})
        self.standin.add({"job": "another", "instance": "x", "__name__": TOTAL, SERVICE_LABEL: "m0000-one"})
        start = time.time() - SCRAPES * SECONDS
        self.times = [round(start + SECONDS * index, 3) for index in range(SCRAPES)]
        self.done = 0

    def text(self) -> str:
        """The next scrape; the last one again and again."""
        if self.done < SCRAPES:
            for place, edge in enumerate(self.slow):
                edge.value += 10.0 * (place + 1)
            if self.done == SCRAPES // 2:
                self.gateway.pair("team-00", "born-late", "born-late-too")
            self.gateway.scrape(self.times[self.done])
        self.done += 1
        return self.standin.exposition()


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    source = Source()
    with _exposed(source) as target, _prometheus(tmp_path_factory.mktemp("prometheus"), target) as url:
        until(lambda: source.done > SCRAPES + 1, "all scrapes", 60)
        yield Both(source.standin, url, source.times)


@contextmanager
def _exposed(source: Source) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            data = source.text().encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def _prometheus(folder: Path, target: str) -> Iterator[str]:
    job = {"job_name": JOB, "honor_labels": True, "scrape_interval": "250ms", "scrape_timeout": "250ms"}
    config = {"scrape_configs": [{**job, "static_configs": [{"targets": [target]}]}]}
    (folder / "prometheus.yml").write_text(json.dumps(config))
    with create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    flags = {"config.file": folder / "prometheus.yml", "storage.tsdb.path": folder, "web.listen-address": address}
    command = [str(go.build("prometheus")), *(f"--{name}={value}" for name, value in flags.items())]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        until(lambda: _ready(f"http://{address}"), "Prometheus is ready", 30)
        yield f"http://{address}"
    finally:
        process.kill()
        process.wait()


def _ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/-/ready", timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


@pytest.mark.parametrize("name", QUERIES)
def test_both_answer_the_same(both: Both, name: str) -> None:
    found = []
    # At the time of a scrape, between two, and just when the oldest sample is as old as the range.
    for at in (both.times[-1], both.times[-1] + 2.5, both.times[3] + 65.0, both.times[0] + 10.0, both.times[7]):
        real = series_of(both.real(QUERIES[name], at))
        assert series_of(json.loads(both.standin.answer(QUERIES[name], at))) == real
        found.append(len(real))
    assert (max(found) > 0) == (name not in EMPTY)


@pytest.mark.parametrize("promql", ["rate(x[5m])", "up", 'x{a="b"}[5m]', "{a=b}[5s]", "{}[5s] offset 5s"])
def test_other_forms_are_refused(promql: str) -> None:
    with pytest.raises(UnknownFormError):
        StandIn().answer(promql, 0.0)
