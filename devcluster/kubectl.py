"""kubectl against a cluster."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import go, paths, run
from .waiting import TimedOutError, until

_MANAGER = "perennial-devcluster"


@dataclass(frozen=True)
class Kubectl:
    """A kubectl that talks to one cluster.

    Attributes:
        program: how it is called, for example ("kubectl", "--kubeconfig", "/path").
    """

    program: tuple[str, ...]

    def command(self, *arguments: str) -> list[str]:
        """A command line."""
        return [*self.program, *arguments]

    def __call__(self, *arguments: str, given: str | None = None) -> str:
        """Run kubectl and return what it prints.

        Raises:
            CommandError: it failed.
        """
        return run.answer(self.command(*arguments), given=given)

    def succeeds(self, *arguments: str) -> bool:
        """Whether a command ends with 0."""
        return run.succeeds(self.command(*arguments))

    def apply(self, manifests: str) -> None:
        """Server-side apply of YAML or JSON documents."""
        self("apply", "--server-side", "--force-conflicts", f"--field-manager={_MANAGER}", "-f", "-", given=manifests)

    def apply_objects(self, objects: Iterable[dict[str, Any]]) -> None:
        """Server-side apply of objects."""
        self.apply(json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)}))

    def apply_files(self, files: Iterable[Path]) -> None:
        """Server-side apply of files."""
        self.apply("\n---\n".join(path.read_text().strip().removeprefix("---") for path in files))

    def read_files(self, *files: Path) -> list[dict[str, Any]]:
        """The objects of manifests, which kubectl parses for us: the standard library reads no YAML."""
        arguments = [word for file in files for word in ("-f", str(file))]
        return _objects(self("create", "--dry-run=client", "--validate=false", "--output=json", *arguments))

    def wait_for(self, condition: str, *what: str, seconds: float) -> None:
        """Wait until objects have a condition.

        kubectl's own wait fails on an object that has no conditions yet, so it is asked again until the deadline.

        Raises:
            TimedOutError: not in time; the message holds the objects as they are.
        """
        question = ("wait", f"--for={condition}", "--timeout=10s", *what)
        try:
            until(lambda: self.succeeds(*question), what=f"{condition} of {' '.join(what)}", seconds=seconds)
        except TimedOutError as late:
            command = self.command("get", "-o", "wide", *what)
            shown = subprocess.run(command, capture_output=True, text=True)
            raise TimedOutError(f"{late}\n{shown.stdout}{shown.stderr}") from None


def of_devcluster() -> Kubectl:
    """kubectl as its admin against the devcluster of this machine."""
    return Kubectl((str(go.binary("kubernetes")), "kubectl", "--kubeconfig", str(paths.KUBECONFIG)))


def _objects(text: str) -> list[dict[str, Any]]:
    """The objects in JSON documents that follow each other, Lists taken apart."""
    objects: list[dict[str, Any]] = []
    decoder, at = json.JSONDecoder(), 0
    while at < len(text):
        found, end = decoder.raw_decode(text, at)
        objects += found["items"] if found["kind"] == "List" else [found]
        at = end + len(text[end:]) - len(text[end:].lstrip())
    return objects
