"""kubectl against the running cluster."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from . import go, paths, run
from .waiting import TimedOutError, until

_MANAGER = "perennial-devcluster"


def command(*arguments: str) -> list[str]:
    """The command line of a kubectl that talks to the cluster."""
    return [str(go.binary("kubernetes")), "kubectl", "--kubeconfig", str(paths.KUBECONFIG), *arguments]


def kubectl(*arguments: str, given: str | None = None) -> str:
    """Run kubectl and return what it prints.

    Raises:
        CommandError: it failed.
    """
    return run.answer(command(*arguments), given=given, env=_environment())


def succeeds(*arguments: str) -> bool:
    """Whether a kubectl command ends with 0."""
    return (
        subprocess.run(
            command(*arguments), env=_environment(), stdin=subprocess.DEVNULL, capture_output=True
        ).returncode
        == 0
    )


def apply(manifests: str) -> None:
    """Server-side apply of YAML or JSON documents."""
    kubectl("apply", "--server-side", "--force-conflicts", f"--field-manager={_MANAGER}", "-f", "-", given=manifests)


def apply_objects(objects: Iterable[dict[str, Any]]) -> None:
    """Server-side apply of objects."""
    apply(json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)}))


def apply_files(files: Iterable[Path]) -> None:
    """Server-side apply of files."""
    apply("\n---\n".join(path.read_text().strip().removeprefix("---") for path in files))


def read_files(*files: Path) -> list[dict[str, Any]]:
    """The objects of manifests, which kubectl parses for us: the standard library reads no YAML."""
    arguments = [word for file in files for word in ("-f", str(file))]
    text = kubectl("create", "--dry-run=client", "--validate=false", "--output=json", *arguments)
    objects: list[dict[str, Any]] = []
    decoder, at = json.JSONDecoder(), 0
    while at < len(text):
        found, end = decoder.raw_decode(text, at)
        objects += found["items"] if found["kind"] == "List" else [found]
        at = end + len(text[end:]) - len(text[end:].lstrip())
    return objects


def wait_for(condition: str, *what: str, seconds: float) -> None:
    """Wait until objects have a condition.

    kubectl's own wait fails on an object that has no conditions yet, so it is asked again until the deadline.

    Raises:
        TimedOutError: not in time; the message holds the objects as they are.
    """
    question = ("wait", f"--for={condition}", "--timeout=2s", *what)
    try:
        until(lambda: succeeds(*question), what=f"{condition} of {' '.join(what)}", seconds=seconds)
    except TimedOutError as late:
        shown = subprocess.run(command("get", "-o", "wide", *what), env=_environment(), capture_output=True, text=True)
        raise TimedOutError(f"{late}\n{shown.stdout}{shown.stderr}") from None


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
