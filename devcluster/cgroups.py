"""The cgroups of pods: all below one of ours, so that nobody else's are touched."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from .paths import NAME

_ROOT = Path("/sys/fs/cgroup")


def _hierarchies() -> list[Path]:
    if (_ROOT / "cgroup.controllers").exists():
        return [_ROOT]
    return sorted({path.resolve() for path in _ROOT.iterdir() if (path / "cgroup.procs").exists()})


def ensure() -> None:
    """Make our cgroup in every hierarchy: the kubelet wants to find the one that it shall work below."""
    for hierarchy in _hierarchies():
        (hierarchy / NAME).mkdir(exist_ok=True)
        _inherit_cpuset(hierarchy)


def _inherit_cpuset(hierarchy: Path) -> None:
    """A new cpuset is empty in the first version of cgroups, and no process can be put into it."""
    for name in ("cpuset.cpus", "cpuset.mems"):
        if (hierarchy / name).exists() and not (hierarchy / NAME / name).read_text().strip():
            (hierarchy / NAME / name).write_text((hierarchy / name).read_text())


def groups() -> Iterator[Path]:
    """Our cgroups, children before parents."""
    for hierarchy in _hierarchies():
        for folder, _, _ in os.walk(hierarchy / NAME, topdown=False):
            yield Path(folder)


def members() -> set[int]:
    """Processes in our cgroups."""
    found: set[int] = set()
    for group in groups():
        try:
            found.update(int(pid) for pid in (group / "cgroup.procs").read_text().split())
        except OSError:  # the group went away
            continue
    return found


def remove() -> None:
    """Remove our cgroups; those that still hold a process stay."""
    for group in groups():
        try:
            group.rmdir()
        except OSError:
            continue
