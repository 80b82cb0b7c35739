"""What of a cluster is on this machine: empty after `down`."""

from __future__ import annotations

from pathlib import Path

from . import cgroups, fixed, paths, processes, sysctls


def mounts(table: str, root: Path) -> list[str]:
    """Mount points below a folder, innermost first.

    Args:
        table: text of /proc/mounts.
        root: the folder.
    """
    points = (line.split()[1].encode().decode("unicode_escape") for line in table.splitlines() if line)
    return sorted((point for point in points if Path(point).is_relative_to(root)), key=len, reverse=True)


def mounted() -> list[str]:
    """Mount points below our state, innermost first."""
    return mounts(Path("/proc/mounts").read_text(), paths.STATE)


def leftovers() -> list[str]:
    """One line for each thing that is there."""
    found = [f"process {each.pid} ({each.mark})" for each in processes.ours()]
    found += [f"process {pid} in a cgroup of pods" for pid in sorted(cgroups.members())]
    found += [f"mount {point}" for point in mounted()]
    found += [f"cgroup {group}" for group in cgroups.groups()]
    found += [f"sysctl {name}, which was {value}" for name, value in sysctls.changed().items()]
    found += [f"file {path}" for path in sorted(set(fixed.entries()))]
    found += [f"folder {paths.STATE}"] if paths.STATE.exists() else []
    return found
