"""The cluster's own life: it comes up, also after a crash or a reboot, and leaves nothing behind.

These tests take the cluster of this machine down and leave it up; `make test-devcluster` runs them alone.
"""

import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from devcluster import boot, leftovers, paths, processes, sysctls
from devcluster.kubectl import of_devcluster
from devcluster.waiting import until

LISTED = ["/run", "/run/containerd", "/var/lib", "/var/lib/cni", "/var/lib/kubelet", "/var/log", "/opt", "/etc/cni"]
CLAIM = """
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: probe, namespace: default}
spec: {accessModes: [ReadWriteMany], resources: {requests: {storage: 1Gi}}}
"""


def devcluster(command: str) -> None:
    subprocess.run([sys.executable, "-m", "devcluster", command], check=True, cwd=paths.REPOSITORY, timeout=600)


def machine() -> dict[str, object]:
    """What of the machine a cluster could change."""
    groups = subprocess.run(["find", "/sys/fs/cgroup", "-type", "d"], check=True, capture_output=True, text=True)
    return {
        "mounts": sorted(line for line in Path("/proc/mounts").read_text().splitlines() if "/buildah/" not in line),
        "sysctls": sysctls.read(),
        "files": {folder: sorted(os.listdir(folder)) for folder in LISTED if Path(folder).exists()},
        "cgroups": sorted(groups.stdout.split()),
        "links": sorted(os.listdir("/sys/class/net")),
    }


def answers(url: str, status: int) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(answer.status == status)
    except urllib.error.HTTPError as error:
        return error.code == status
    except OSError:
        return False


def everything_works() -> None:
    until(lambda: answers("http://127.0.0.1:8080/nobody", 404), what="the gateway", seconds=30)
    until(lambda: answers("http://127.0.0.1:9090/-/ready", 200), what="Prometheus", seconds=30)
    kubectl = of_devcluster()
    kubectl.apply(CLAIM)
    kubectl.wait_for("jsonpath={.status.phase}=Bound", "pvc/probe", seconds=20)
    kubectl("delete", "pvc", "probe", "--wait=false")
    kubectl.wait_for("condition=Ready", "node", "--all", seconds=30)


def daemons() -> dict[str, int]:
    return {each.name: each.pid for each in processes.ours() if each.leads}


def test_down_leaves_nothing() -> None:
    devcluster("down")
    before = machine()
    devcluster("up")
    everything_works()
    assert leftovers.leftovers()
    devcluster("down")
    assert leftovers.leftovers() == []
    assert machine() == before


def test_a_second_up_disturbs_nothing() -> None:
    devcluster("up")
    running = daemons()
    devcluster("up")
    assert daemons() == running
    everything_works()


def kill_daemons() -> None:
    for pid in daemons().values():
        os.kill(pid, signal.SIGKILL)


def kill_all() -> None:
    for process in processes.ours():
        os.kill(process.pid, signal.SIGKILL)


def forget_boot() -> None:
    kill_all()
    (paths.STATE / "boot").write_text("another boot\n")
    assert not boot.is_same()


@pytest.mark.parametrize("accident", [kill_daemons, kill_all, forget_boot])
def test_up_after_an_accident(accident: Callable[[], None]) -> None:
    devcluster("up")
    accident()
    until(lambda: not daemons(), what="the end of the daemons", seconds=10)
    devcluster("up")
    everything_works()
