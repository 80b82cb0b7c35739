"""The daemons: started so that they outlive us, and found again by a mark in their environment.

A mark instead of pid files: it cannot be stale after a crash or a reboot, and a reused pid does not carry it.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from . import paths
from .storing import digest

_MARK = "PERENNIAL_DEVCLUSTER_DAEMON"


@dataclass(frozen=True)
class Daemon:
    """One long-running program of the cluster.

    Attributes:
        name: its name and its log's.
        command: program and arguments.
        files: configuration whose change asks for a restart.
    """

    name: str
    command: tuple[str, ...]
    files: tuple[Path, ...] = ()

    def mark(self) -> str:
        """NAME/HASH: the hash changes when the daemon must be started anew."""
        return f"{self.name}/{digest([*self.command, *(path.read_bytes() for path in self.files)])}"


@dataclass(frozen=True)
class Process:
    """A process that carries a mark: a daemon (leads its session) or something that it started, such as a shim."""

    pid: int
    mark: str
    leads: bool

    @property
    def name(self) -> str:
        """The daemon's name."""
        return self.mark.partition("/")[0]


def _mark_of(pid: int) -> str | None:
    try:
        environment = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:  # it has just ended
        return None
    prefix = f"{_MARK}=".encode()
    return next((each[len(prefix) :].decode() for each in environment if each.startswith(prefix)), None)


def _leads(pid: int) -> bool:
    try:
        return os.getsid(pid) == pid
    except ProcessLookupError:
        return False


def ours() -> list[Process]:
    """Every running process that carries a mark of this cluster."""
    pids = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    marks = ((pid, _mark_of(pid)) for pid in pids)
    return [Process(pid, mark, _leads(pid)) for pid, mark in marks if mark is not None]


def ensure(daemon: Daemon) -> bool:
    """Start a daemon unless it runs with the same command and files; end an older form of it first.

    Returns:
        Whether it was started.
    """
    running = [process for process in ours() if process.leads and process.name == daemon.name]
    if any(process.mark == daemon.mark() for process in running):
        return False
    end(running)
    log = paths.STATE / "log" / f"{daemon.name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        subprocess.Popen(
            daemon.command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=_environment(daemon),
            cwd="/",
            start_new_session=True,
        )
    return True


def _environment(daemon: Daemon) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return {**kept, "PATH": f"{kept.get('PATH', '')}:/usr/sbin:/sbin:/usr/bin:/bin", _MARK: daemon.mark()}


def end(processes: Iterable[Process]) -> None:
    """Kill processes that still carry their mark and wait until they are gone."""
    kill_and_wait([process.pid for process in processes], lambda pid: _mark_of(pid) is not None)


def kill_and_wait(pids: Iterable[int], still_ours: Callable[[int], bool], seconds: float = 10) -> None:
    """Kill processes and wait for their end.

    Each is held by a pidfd before `still_ours` looks at it again, so that a reused pid is never hit.
    """
    held = []
    for pid in pids:
        try:
            descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        held.append(descriptor)
        if still_ours(pid):
            signal.pidfd_send_signal(descriptor, signal.SIGKILL)
    for descriptor in held:
        _wait(descriptor, seconds)
        os.close(descriptor)


def _wait(descriptor: int, seconds: float) -> None:
    poller = select.poll()
    poller.register(descriptor, select.POLLIN)
    poller.poll(seconds * 1000)


def log_tail(name: str, size: int = 2000) -> str:
    """The end of a daemon's log, for messages."""
    path = paths.STATE / "log" / f"{name}.log"
    return path.read_text(errors="replace")[-size:] if path.exists() else ""
