"""kubectl for the demonstration and the end-to-end tests: every wait has a deadline."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

Object = dict[str, Any]
_POLL_SECONDS = 0.5
_COMMAND_SECONDS = 120


class KubectlError(RuntimeError):
    """A kubectl command failed; the message is what it said."""


class TooLateError(RuntimeError):
    """A condition did not come true before its deadline."""


@dataclass(frozen=True)
class Kubectl:
    """kubectl against one cluster, in one namespace.

    Attributes:
        command: how kubectl is called, for example ("kubectl", "--kubeconfig", "/path").
        namespace: the namespace of all that is asked, where a manifest does not name another.
    """

    command: Sequence[str]
    namespace: str = "flights"

    def __call__(self, *arguments: str, given: str | None = None) -> str:
        """Run a command and return what it prints.

        Raises:
            KubectlError: it failed.
        """
        done = subprocess.run(
            [*self.command, "--namespace", self.namespace, *arguments],
            input=given,
            stdin=subprocess.DEVNULL if given is None else None,
            capture_output=True,
            text=True,
            timeout=_COMMAND_SECONDS,
        )
        if done.returncode:
            raise KubectlError(f"kubectl {' '.join(arguments)}: {done.stderr.strip() or done.stdout.strip()}")
        return done.stdout

    def apply(self, manifest: str) -> None:
        """Apply YAML or JSON as people do."""
        self("apply", "-f", "-", given=manifest)

    def get(self, kind: str, name: str) -> Object | None:
        """One object, or None if it is not there."""
        text = self("get", kind, name, "--ignore-not-found", "-o", "json")
        return dict(json.loads(text)) if text.strip() else None

    def list(self, kind: str, *options: str) -> list[Object]:
        """All objects of a kind in the namespace."""
        return list(json.loads(self("get", kind, "-o", "json", *options))["items"])

    def raw(self, path: str) -> str:
        """What the apiserver answers at a path; `/api/v1/.../proxy/...` reaches pods."""
        return self("get", "--raw", path)


def until(condition: Callable[[], bool], *, what: str, seconds: float) -> None:
    """Return when the condition holds.

    Raises:
        TooLateError: it did not within `seconds`; the message names `what`.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TooLateError(f"not within {seconds:.0f} s: {what}")
        time.sleep(_POLL_SECONDS)
