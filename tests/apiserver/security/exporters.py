"""Pods that a real Prometheus finds at a real apiserver, and what they export, each at an address of its own."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml

from devcluster import go
from perennial.ports.kinds import POD
from perennial.ports.kube import KubeClient

SCRAPE = Path(__file__).parents[3] / "manifests/monitoring/perennial-scrape.yaml"


@dataclass(frozen=True)
class Exporter:
    """A pod with one port, and the text that it answers with at any path."""

    namespace: str
    name: str
    address: str
    port: int
    text: str
    labels: dict[str, str]
    container: str = "main"

    async def exists(self, admin: KubeClient) -> None:
        """The pod runs, as far as the apiserver knows."""
        ports = [{"name": "metrics", "containerPort": self.port}]
        spec = {"containers": [{"name": self.container, "image": "x", "ports": ports}]}
        head = {"namespace": self.namespace, "name": self.name}
        await admin.create(POD, {"metadata": {**head, "labels": self.labels}, "spec": spec})
        status = {"phase": "Running", "podIP": self.address, "podIPs": [{"ip": self.address}]}
        await admin.apply_status(POD, {"metadata": head, "status": status}, manager="kubelet")

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Its server."""
        text = self.text

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the overridden method's name
                """Quiet."""

        server = ThreadingHTTPServer((self.address, self.port), Handler)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


@contextmanager
def prometheus(directory: Path, kubeconfig: Path, port: int) -> Iterator[str]:
    """A Prometheus with the jobs that we ship, and one of a user's own that reads whatever says that it has metrics."""
    jobs = yaml.safe_load(SCRAPE.read_text())["scrape_configs"]
    theirs = {
        "job_name": "pods",
        "kubernetes_sd_configs": [{"role": "pod"}],
        "relabel_configs": [
            {"source_labels": ["__meta_kubernetes_pod_label_scrape"], "regex": "true", "action": "keep"},
        ],
    }
    for job in (*jobs, theirs):
        for discovery in job["kubernetes_sd_configs"]:
            discovery["kubeconfig_file"] = str(kubeconfig)
    interval = {"scrape_interval": "1s", "scrape_timeout": "1s"}
    (directory / "prometheus.yml").write_text(yaml.safe_dump({"global": interval, "scrape_configs": [*jobs, theirs]}))
    command = [str(go.build("prometheus")), f"--config.file={directory}/prometheus.yml"]
    command += [f"--storage.tsdb.path={directory}/data", f"--web.listen-address=127.0.0.1:{port}"]
    with (directory / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()
