"""What the tests against an apiserver share."""

import asyncio
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

import yaml

T = TypeVar("T")
_SAMPLE = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)$", re.MULTILINE)


def until(probe: Callable[[], T], what: object, seconds: float = 20) -> T:
    """Call `probe` until it gives something true, and return that. Raises AssertionError after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        found = probe()
        if found:
            return found
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.05)


async def eventually(probe: Callable[[], Awaitable[T]], what: object, seconds: float = 20) -> T:
    """The same for a coroutine function."""
    deadline = time.monotonic() + seconds
    while True:
        found = await probe()
        if found:
            return found
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        await asyncio.sleep(0.05)


class Kubectl:
    """Runs kubectl against one cluster as one user."""

    def __init__(self, command: list[str], kubeconfig: Path) -> None:
        self.command = command
        self.kubeconfig = kubeconfig

    def __call__(self, *arguments: str, stdin: str | None = None) -> str:
        """Standard output. Raises AssertionError with standard error."""
        command = [*self.command, f"--kubeconfig={self.kubeconfig}", *arguments]
        done = subprocess.run(command, input=stdin, capture_output=True, text=True)
        assert done.returncode == 0, f"{' '.join(arguments)}: {done.stderr}"
        return done.stdout

    def fails(self, *arguments: str, stdin: str | None = None) -> str:
        """Standard error of a command that may fail; empty when it does not."""
        command = [*self.command, f"--kubeconfig={self.kubeconfig}", *arguments]
        done = subprocess.run(command, input=stdin, capture_output=True, text=True)
        return done.stderr if done.returncode else ""

    def wait_for_definitions(self) -> None:
        """Wait until every CustomResourceDefinition is established; kubectl's wait fails on one without conditions."""
        command = [*self.command, f"--kubeconfig={self.kubeconfig}", "wait", "--for=condition=Established", "crd"]

        def established() -> bool:
            return subprocess.run([*command, "--all", "--timeout=10s"], capture_output=True).returncode == 0

        until(established, "all definitions established", 60)

    def kubeconfig_of(self, namespace: str, account: str, directory: Path) -> Path:
        """A kubeconfig with a token of the service account, in `directory`."""
        config = yaml.safe_load(self.kubeconfig.read_text())
        token = self("-n", namespace, "create", "token", account).strip()
        config["users"] = [{"name": user["name"], "user": {"token": token}} for user in config["users"]]
        path = directory / "kubeconfig"
        path.write_text(yaml.safe_dump(config))
        return path


class OperatorProcess:
    """`python -m perennial` as a process of its own."""

    def __init__(
        self,
        kubeconfig: Path,
        log: Path,
        name: str,
        settings: Mapping[str, object],
        more_environment: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._log = log
        values = {"trainer_image": "trainer", "pod_name": name, "metrics_port": 0} | dict(settings)
        environment = {key: value for key, value in os.environ.items() if not key.startswith("KUBE")}
        environment |= {f"PERENNIAL_{key.upper()}": str(value) for key, value in values.items()}
        environment |= {"KUBECONFIG": str(kubeconfig), **more_environment}
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "perennial"],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=environment,
            )

    @property
    def log(self) -> str:
        """Everything it has logged."""
        return self._log.read_text()

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    def exit_code(self, seconds: float = 15) -> int:
        """Wait for its end. Raises subprocess.TimeoutExpired."""
        return self._process.wait(seconds)

    def end(self) -> None:
        """Kill it if it still runs; a stopped one too."""
        self._process.kill()
        self._process.wait()

    def url(self) -> str:
        """Where its endpoint is; waits for its start."""

        def port() -> re.Match[str] | None:
            assert self._process.poll() is None, self.log
            return re.search(r"on port (\d+)", self.log)

        return f"http://127.0.0.1:{until(port, 'the operator serves its endpoint', 30).group(1)}"

    def fetch(self, path: str) -> tuple[int, str]:
        """Status and text of its endpoint."""
        try:
            with urllib.request.urlopen(self.url() + path, timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def samples(self, name: str) -> dict[str, float]:
        """The values of one metric by their labels as written."""
        _, text = self.fetch("/metrics")
        return {labels: float(value) for metric, labels, value in _SAMPLE.findall(text) if metric == name}

    def leads(self) -> bool:
        """Whether it says that it leads."""
        return self.samples("perennial_leader").get("") == 1
