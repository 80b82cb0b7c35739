"""Git, applied again every few seconds while something else happens, as Argo CD or a person's loop does."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Any

import yaml

from demo.kubectl import Kubectl, KubectlError
from demo.stage import EXAMPLES

SECONDS = 5.0
INSTANCE, TRACKING = "app.kubernetes.io/instance", "argocd.argoproj.io/tracking-id"
WAYS = ((), ("--server-side", "--field-manager=argocd-controller"))


class Git:
    """The deployment and the runs of the flights; applied in turn client-side and server-side.

    Attributes:
        rounds: how often all of it was applied.
        problems: what an apply was refused with, and what `kubectl diff` found.
    """

    def __init__(self, kubectl: Kubectl, keep_seconds: int) -> None:
        self._kubectl = kubectl
        self.rounds = 0
        self.problems: list[str] = []
        deployment = self._read("deployment.yaml")
        deployment["spec"]["scaleDownSeconds"] = keep_seconds
        self._documents = [_tracked(deployment), _tracked(self._read("v1.yaml"))]
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._again, daemon=True)

    def commit(self, name: str) -> None:
        """A file of the example is in Git from now on."""
        self._documents.append(self._read(name))

    def apply(self) -> None:
        """Apply all of it once, as people do. Raises KubectlError."""
        self._kubectl.apply(self._text())

    def __enter__(self) -> Git:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _again(self) -> None:
        while not self._stop.is_set():
            for way in WAYS:
                for verb in ("apply", "diff"):
                    self._try(verb, *way)
            self.rounds += 1
            self._stop.wait(SECONDS)

    def _try(self, verb: str, *way: str) -> None:
        try:
            self._kubectl(verb, *way, "-f", "-", given=self._text())
        except KubectlError as error:
            self.problems.append(str(error))

    def _text(self) -> str:
        return yaml.safe_dump_all(self._documents)

    def _read(self, name: str) -> dict[str, Any]:
        obj: dict[str, Any] = yaml.safe_load((EXAMPLES / name).read_text())
        return obj


def _tracked(obj: dict[str, Any]) -> dict[str, Any]:
    metadata = obj["metadata"]
    metadata["labels"] = {INSTANCE: "flights"}
    metadata["annotations"] = {TRACKING: f"flights:{obj['kind']}:{metadata['name']}"}
    return obj
