"""Stand-ins for the programs that need a Docker engine; everything else is real, down to the apiserver."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from devcluster import go, paths
from devcluster.apiserver import running_apiserver
from tests.apiserver.support import Kubectl

ROOT = Path(__file__).parents[3]
SECONDS = 300
# Writes down what it was asked, then does what FOLDER/PROGRAM.sh says.
RECORDER = """#!/bin/sh
echo "{program} $*" >>{folder}/calls
[ ! -e {folder}/{program}.sh ] || . {folder}/{program}.sh
"""


@dataclass(frozen=True)
class Desk:
    """A machine on whose PATH some programs are stand-ins.

    Attributes:
        folder: where they are and write down what they were asked.
        environment: of commands that are run on it.
    """

    folder: Path
    environment: dict[str, str]

    def stand_in(self, program: str, does: str = "") -> None:
        """Put a program on PATH that writes down its arguments and runs these lines of shell."""
        path = self.folder / program
        path.write_text(RECORDER.format(program=program, folder=self.folder))
        path.chmod(0o755)
        (self.folder / f"{program}.sh").write_text(does)

    def put(self, program: str, command: list[str]) -> None:
        """Put a program on PATH that is another."""
        path = self.folder / program
        path.write_text(f'#!/bin/sh\nexec {" ".join(command)} "$@"\n')
        path.chmod(0o755)

    def calls(self) -> list[str]:
        """What the stand-ins were asked, in order; forgets it."""
        path = self.folder / "calls"
        lines = path.read_text().splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        return lines

    def run(self, *arguments: str, during: Callable[[], object] = lambda: None) -> tuple[int, str]:
        """Run `python3 -m clusters ARGUMENTS`, call `during` again and again meanwhile; exit code and what it said."""
        command = [sys.executable, "-m", "clusters", *arguments]
        said = self.folder / "said"  # a pipe that nobody reads meanwhile would be full
        with said.open("w") as output:
            process = subprocess.Popen(command, cwd=ROOT, env=self.environment, stdout=output, stderr=output)
            deadline = time.monotonic() + SECONDS
            while process.poll() is None:
                assert time.monotonic() < deadline, said.read_text()
                during()
                with suppress(subprocess.TimeoutExpired):
                    process.wait(1)
        return process.returncode, said.read_text()


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Without stand-ins yet. The cache is this machine's, but what belongs to a cluster goes elsewhere."""
    folder, cache = tmp_path / "bin", tmp_path / "cache"
    folder.mkdir()
    cache.mkdir()
    for name in ("bin", "wheels", "pip", "upstream"):
        (paths.cache() / name).mkdir(parents=True, exist_ok=True)
        (cache / name).symlink_to(paths.cache() / name)
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PERENNIAL_", "KUBE"))}
    variables = {"PATH": f"{folder}:{kept['PATH']}", "PYTHONPATH": str(ROOT), "PERENNIAL_CACHE": str(cache)}
    return Desk(folder, kept | variables)


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Kubectl]:
    """kubectl as the admin of an apiserver with nothing on it."""
    folder = tmp_path / "apiserver"
    folder.mkdir()
    with running_apiserver(folder) as kubeconfig:
        yield Kubectl([str(go.build("kubernetes")), "kubectl"], kubeconfig)


def play_controllers(kubectl: Kubectl) -> None:
    """Say of every Deployment that it is available and of every Gateway that it is programmed, as controllers do."""
    available = {"conditions": [{"type": "Available", "status": "True"}]}
    programmed = [_condition(kind) for kind in ("Accepted", "Programmed")]
    for kind, status in {"deployments": available, "gateways": {"conditions": programmed}}.items():
        command = [*kubectl.command, f"--kubeconfig={kubectl.kubeconfig}"]
        path = "{range .items[*]}{.metadata.namespace}/{.metadata.name} {end}"
        found = subprocess.run([*command, "get", kind, "-A", f"-o=jsonpath={path}"], capture_output=True, text=True)
        for each in found.stdout.split():
            namespace, _, name = each.partition("/")
            patch = json.dumps({"status": status})
            where = [f"{kind}/{name}", f"--namespace={namespace}", "--subresource=status"]
            subprocess.run([*command, "patch", *where, "--type=merge", "-p", patch], capture_output=True)


def _condition(kind: str) -> dict[str, str]:
    return {"type": kind, "status": "True", "reason": kind, "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z"}
