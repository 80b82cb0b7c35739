"""Takes the cluster down: ends only what it started, and leaves nothing.

Its state is thrown away, so nothing is asked to end politely; the same steps clean up after a crash or a reboot.
"""

from __future__ import annotations

import shutil

from . import boot, cgroups, fixed, paths, processes, run, sysctls
from .leftovers import leftovers, mounted
from .progress import say, step
from .waiting import until


def down() -> None:
    """Remove the cluster.

    Raises:
        RuntimeError: something could not be removed; the message lists it.
    """
    if not leftovers():
        say("there is no cluster")
        return
    with step("taking the cluster down", 5):
        remove()
    if left := leftovers():
        raise RuntimeError("left behind:\n" + "\n".join(left))
    say("the cluster is gone")


def remove() -> None:
    """Remove whatever of a cluster is there."""
    # daemons first: the kubelet would start again what ends; then the pods, then the shims that watched them
    processes.end(each for each in processes.ours() if each.leads)
    until(_pods_gone, what="the end of the pods' processes", seconds=20)
    processes.end(processes.ours())
    until(_unmounted, what="the removal of mounts", seconds=20)
    until(_cgroups_gone, what="the removal of cgroups", seconds=20)
    if boot.is_same():
        sysctls.restore()
    fixed.remove()
    if paths.STATE.exists():
        shutil.rmtree(paths.STATE)


def _pods_gone() -> bool:
    pids = cgroups.members()
    processes.kill_and_wait(pids, lambda pid: pid in cgroups.members(), seconds=2)
    return not cgroups.members()


def _unmounted() -> bool:
    """Also of the network namespace. Nothing is deleted before this is true: a mount may lead out of our state."""
    for point in mounted():
        run.succeeds(["umount", "--lazy", point])
    return not mounted()


def _cgroups_gone() -> bool:
    cgroups.remove()
    return not list(cgroups.groups())
