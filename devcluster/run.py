"""Running other programs: with a log of their own, or for their answer."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from . import paths

_TAIL_LINES = 15


class CommandError(RuntimeError):
    """A program ended with an error; the message holds the end of what it said."""


def _tail(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.strip().splitlines()[-_TAIL_LINES:])


def logged(name: str, command: Sequence[str], *, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> None:
    """Run a program with its output in the log called NAME.

    Raises:
        CommandError: it failed; the message names the log and holds its end.
    """
    paths.logs().mkdir(parents=True, exist_ok=True)
    path = paths.logs() / f"{name}.log"
    with path.open("wb") as log:
        done = subprocess.run(command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    if done.returncode:
        end = _tail(path.read_text(errors="replace"))
        raise CommandError(f"{command[0]} failed with {done.returncode}, see {path}, which ends with\n{end}")


def answer(command: Sequence[str], *, cwd: Path | None = None, env: Mapping[str, str] | None = None,
           given: str | None = None) -> str:  # fmt: skip
    """Run a program and return its standard output, stripped.

    Args:
        command: program and arguments.
        cwd: folder to run it in.
        env: its whole environment; ours by default.
        given: text for its standard input; nothing by default.

    Raises:
        CommandError: it failed; the message holds the end of its standard error.
    """
    done = subprocess.run(command, cwd=cwd, env=env, input=given or "", capture_output=True, text=True)
    if done.returncode:
        raise CommandError(f"{' '.join(command[:6])} failed with {done.returncode}:\n{_tail(done.stderr)}")
    return done.stdout.strip()


def succeeds(command: Sequence[str]) -> bool:
    """Whether a program ends with 0; what it prints is dropped."""
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True).returncode == 0
