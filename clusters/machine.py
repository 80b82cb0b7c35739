"""Looking at this machine, for the choice."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess

from .choice import Machine

_DOCKER_SECONDS = 5


def look(wanted: str) -> Machine:
    """What is found here; Docker is asked only where the answer matters for what is wanted."""
    return Machine(
        linux=(platform.system(), platform.machine()) == ("Linux", "x86_64"),
        apt=shutil.which("apt-get") is not None,
        root=os.geteuid() == 0,
        docker=wanted in {"", "kind"} and _docker_answers(),
    )


def _docker_answers() -> bool:
    question = ["docker", "info", "--format", "{{.ServerVersion}}"]
    try:
        asked = subprocess.run(question, stdin=subprocess.DEVNULL, capture_output=True, timeout=_DOCKER_SECONDS)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return asked.returncode == 0
