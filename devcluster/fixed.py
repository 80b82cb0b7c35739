"""Paths outside of our state that daemons write to and nobody can configure; only entries of ours are touched."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from . import paths
from .nodeconfig import CONTAINERD, SOCKET

_LOG_LINKS = Path("/var/log/containers")
_CNI_RESULTS = Path("/var/lib/cni/results")
_SHIM_SOCKETS = Path("/run/containerd/s")
_DEVICE_PLUGINS = Path("/var/lib/kubelet/device-plugins")
# Removed when empty, children before parents.
_FOLDERS = (
    _LOG_LINKS,
    _CNI_RESULTS,
    _CNI_RESULTS.parent,
    _DEVICE_PLUGINS,
    _DEVICE_PLUGINS.parent,
    _SHIM_SOCKETS,
    Path("/run/containerd/fifo"),
    Path("/run/containerd/runc"),
    Path("/run/containerd"),
)


def _containers() -> list[str]:
    tasks = CONTAINERD / "state" / "io.containerd.runtime.v2.task" / "k8s.io"
    return [path.name for path in tasks.iterdir()] if tasks.exists() else []


def shim_socket(container: str) -> Path:
    """Where containerd's shim of a container listens."""
    identity = f"{SOCKET}/k8s.io/{container}"
    return _SHIM_SOCKETS / hashlib.sha256(identity.encode()).hexdigest()


def entries() -> Iterator[Path]:
    """Files, links and sockets of ours; to be asked before our state is deleted, which tells ours from others'."""
    if _LOG_LINKS.exists():
        yield from (path for path in _LOG_LINKS.iterdir() if str(path.readlink()).startswith(f"{paths.STATE}/"))
    ours = sorted(_CNI_RESULTS.glob(f"{paths.NAME}-*")) if _CNI_RESULTS.exists() else []
    yield from ours
    for path in ours:
        container = path.name.removeprefix(f"{paths.NAME}-").rpartition("-")[0]
        yield from _CNI_RESULTS.glob(f"*-{container}-*")
    yield from (path for path in map(shim_socket, _containers()) if path.exists())
    if (socket := _DEVICE_PLUGINS / "kubelet.sock").exists():
        yield socket


def remove() -> None:
    """Delete our entries, and folders that are empty then."""
    for path in set(entries()):
        path.unlink(missing_ok=True)
    for folder in _FOLDERS:
        with suppress(OSError):
            folder.rmdir()
