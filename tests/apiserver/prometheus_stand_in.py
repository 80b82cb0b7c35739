"""A Prometheus for operators that run as processes: it answers raw samples of a range over HTTP, and nothing else.

Every query that it answers also runs on the real one, in the tests of the whole cluster.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections import defaultdict
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from perennial.ports.prometheus_fake import RecordingPrometheus
from perennial.ports.prometheus_types import PrometheusUnavailable
from perennial.rollout.counts import ACTIVE, CLASS, TOTAL


class PrometheusStandIn:
    """Serves the samples of a RecordingPrometheus at `url` while it is entered.

    Attributes:
        errors: the share of each InferenceService's requests that are answered with 500; 0 where none is given.
    """

    def __init__(self) -> None:
        self.samples = RecordingPrometheus()
        self.errors: defaultdict[str, float] = defaultdict(float)
        self._answered: defaultdict[tuple[str, str, str], float] = defaultdict(float)
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        """For PERENNIAL_PROMETHEUS_URL."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> PrometheusStandIn:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def scrape(self, namespace: str, requests: Mapping[str, float]) -> None:
        """A scrape of the gateway now; `requests` is how many each InferenceService got since the last one."""
        now = time.time()
        with self._lock:
            for name, count in requests.items():
                self._answered[namespace, name, "2"] += count * (1 - self.errors[name])
                self._answered[namespace, name, "5"] += count * self.errors[name]
                self._sample(namespace, name, now)

    def _sample(self, namespace: str, name: str, now: float) -> None:
        labels = {"job": "perennial-gateway", "isvc_namespace": namespace, "isvc": name, "pod": "envoy"}
        classes = {code: int(self._answered[namespace, name, code]) for code in ("2", "5")}
        self.samples.add({**labels, "__name__": TOTAL}, now, sum(classes.values()))
        self.samples.add({**labels, "__name__": ACTIVE}, now, 0)
        for code, value in classes.items():
            if value:
                self.samples.add({**labels, "__name__": CLASS, "envoy_response_code_class": code}, now, value)

    def answer(self, query: str, at: float) -> tuple[int, object]:
        """Status and body for an instant query."""
        with self._lock:
            try:
                found = asyncio.run(self.samples.query(query, at))
            except PrometheusUnavailable as error:
                return 400, {"status": "error", "errorType": "bad_data", "error": error.sentence}
        result = [
            {"metric": dict(each.labels), "values": [[when, str(value)] for when, value in each.samples]}
            for each in found
        ]
        return 200, {"status": "success", "data": {"resultType": "matrix", "result": result}}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        stand_in = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked = parse_qs(urlsplit(self.path).query)
                status, body = stand_in.answer(asked["query"][0], float(asked["time"][0]))
                data = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                """Nothing: pytest shows standard error of a failed test."""

        return Handler
