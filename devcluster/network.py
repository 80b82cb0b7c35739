"""The cluster's network namespace: a machine of its own without a way in or out but the forwarder."""

from __future__ import annotations

import os

from . import paths, run
from .control import SERVICES

# A mount of the namespace keeps it; ours lies in our state, for /run/netns and its own mount would be left behind.
NAMESPACE_FILE = paths.STATE / "netns"
# On the loopback device, because there may be no dummy device; not 127/8, which the kubelet refuses.
NODE_ADDRESS = "10.199.0.1"
PODS = "10.245.0.0/24"
# Not `ip netns exec`, which mounts /sys anew and so hides the cgroups.
INSIDE = ("nsenter", f"--net={NAMESPACE_FILE}", "--")


def ensure_namespace() -> None:
    """Make the namespace with the node's address and a route for host processes to Services."""
    if not os.path.ismount(NAMESPACE_FILE):  # pathlib takes only folders for mounts
        NAMESPACE_FILE.touch()
        run.answer(["unshare", f"--net={NAMESPACE_FILE}", "true"])
    for command in (
        ("ip", "link", "set", "lo", "up"),
        ("ip", "address", "replace", f"{NODE_ADDRESS}/32", "dev", "lo"),
        ("ip", "route", "replace", SERVICES, "dev", "lo"),
        ("sysctl", "-qw", "net.ipv4.ip_forward=1"),
    ):
        run.answer([*INSIDE, *command])
