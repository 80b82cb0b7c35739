"""The operator's leader on the node: which pod it is, and its process."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from demo.kubectl import Kubectl, until

SYSTEM = "perennial-system"
TAKE_OVER_SECONDS = 20.0


@dataclass(frozen=True)
class Operators:
    """The replicas of the operator on the devcluster."""

    kubectl: Kubectl

    def leader(self) -> str:
        """The name of the pod that holds the lease; empty when nobody does."""
        holder = self._read("lease", "perennial-leader", "{.spec.holderIdentity}")
        return holder.rpartition("_")[0]

    def wait_ready(self) -> None:
        """Wait until both replicas are ready and one of them leads."""
        self.kubectl("-n", SYSTEM, "rollout", "status", "deployment/perennial-operator", "--timeout=60s")
        until(lambda: self.leader() != "", what="one leads", seconds=60)

    def kill_leader(self) -> float:
        """kill -9 of the leader's process; the seconds until another pod leads.

        Raises:
            TooLateError: none did in 20 s.
        """
        before = self.leader()
        os.kill(self._process(before), signal.SIGKILL)
        since = time.monotonic()
        until(lambda: self.leader() not in ("", before), what="another pod leads", seconds=TAKE_OVER_SECONDS)
        return time.monotonic() - since

    def _process(self, pod: str) -> int:
        """The number, on this machine, of the first process of the pod's container."""
        container = self._read("pod", pod, "{.status.containerStatuses[0].containerID}").partition("//")[2]
        assert container, f"pod {pod} has no container"
        found = [int(each.parent.name) for each in Path("/proc").glob("[0-9]*/cgroup") if container in _text(each)]
        assert found, f"The process of pod {pod} is not on this machine, so it cannot be killed from here."
        return min(found)

    def _read(self, kind: str, name: str, path: str) -> str:
        return self.kubectl("-n", SYSTEM, "get", kind, name, "-o", f"jsonpath={path}")


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:  # the process has ended meanwhile
        return ""
