"""The cluster's network namespace: a machine of its own without a way in or out but the forwarder."""

from __future__ import annotations

from pathlib import Path

from . import run
from .control import SERVICES

NAMESPACE = "perennial-devcluster"
NAMESPACE_FILE = Path("/run/netns") / NAMESPACE
# On the loopback device, because there may be no dummy device; not 127/8, which the kubelet refuses.
NODE_ADDRESS = "10.199.0.1"
PODS = "10.245.0.0/24"
# Not `ip netns exec`, which mounts /sys anew and so hides the cgroups.
INSIDE = ("nsenter", f"--net={NAMESPACE_FILE}", "--")


def ensure_namespace() -> None:
    """Make the namespace with the node's address and a route for host processes to Services."""
    if not NAMESPACE_FILE.is_mount():
        NAMESPACE_FILE.unlink(missing_ok=True)
        run.answer(["ip", "netns", "add", NAMESPACE])
    for command in (
        ("ip", "link", "set", "lo", "up"),
        ("ip", "address", "replace", f"{NODE_ADDRESS}/32", "dev", "lo"),
        ("ip", "route", "replace", SERVICES, "dev", "lo"),
        ("sysctl", "-qw", "net.ipv4.ip_forward=1"),
    ):
        run.answer([*INSIDE, *command])


def remove_namespace() -> None:
    """Delete the namespace; nothing happens where there is none."""
    if NAMESPACE_FILE.exists():
        run.answer(["ip", "netns", "delete", NAMESPACE])
