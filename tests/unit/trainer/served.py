"""A model server in a process of its own, as a pod runs it."""

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx

START_SECONDS = 60.0


@dataclass(frozen=True)
class Served:
    """A running server and where it listens."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path

    def ready(self) -> bool:
        """Whether the server says that it is ready."""
        try:
            return httpx.get(f"{self.url}/v2/health/ready", timeout=2).status_code == 200
        except httpx.TransportError:
            return False


@contextlib.contextmanager
def serve(artifact: Path, *, drain_seconds: float = 0.3, env: dict[str, str] | None = None) -> Iterator[Served]:
    """Start `serve` on a free port, wait until it is ready, end it afterwards."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder, (Path(folder) / "log").open("wb") as log:
        process = subprocess.Popen(
            command(artifact, artifact.name, port, drain_seconds),
            env={**os.environ, "INFERENCE_SERVICE_NAME": "cancer-1", **(env or {})},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        served = Served(f"http://127.0.0.1:{port}", process, Path(folder) / "log")
        try:
            wait_until_ready(served)
            yield served
        finally:
            process.terminate()
            process.wait(30)


def command(artifact: Path, sha256: str, port: int, drain_seconds: float = 0.3) -> list[str]:
    """The command line of a server."""
    options = ["--model-name", "cancer", "--model-dir", str(artifact), "--sha256", sha256, "--port", str(port)]
    return [sys.executable, "-m", "perennial_trainer", "serve", *options, "--drain-seconds", str(drain_seconds)]


def wait_until_ready(served: Served) -> None:
    """Wait with a deadline; fails with the server's log."""
    deadline = time.monotonic() + START_SECONDS
    while not served.ready():
        assert served.process.poll() is None, served.log.read_text()
        assert time.monotonic() < deadline, served.log.read_text()
        time.sleep(0.05)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
