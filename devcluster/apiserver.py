"""A kube-apiserver with its etcd and nothing else, for tests: no kubelet, no controllers, no root needed.

Nobody makes pods of a Job here, collects garbage or finishes a namespace: the test plays those parts.
"""

from __future__ import annotations

import ctypes
import signal
import socket
import ssl
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from . import control, go
from .kubeconfig import write_kubeconfig
from .waiting import until

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)


AUDIT_LOG = "audit.jsonl"
_AUDIT_POLICY = """{"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "omitStages": ["RequestReceived"],
"omitManagedFields": true, "rules": [{"level": "Metadata"}]}"""


@contextmanager
def running_apiserver(directory: Path, *, audit: bool = False) -> Iterator[Path]:
    """Start etcd and kube-apiserver on free ports of 127.0.0.1 and yield the kubeconfig of a cluster admin.

    RBAC is on, and so is every default admission plugin but ServiceAccount (nobody makes the `default` account).
    Call it from the main thread: the processes end with the thread that started them, however that ends.

    Args:
        directory: an empty folder for certificates, data and logs; the kubeconfig is directory/kubeconfig.
        audit: write who asked for what, and what came of it, to directory/audit.jsonl (audit.k8s.io/v1, in order).

    Raises:
        RuntimeError: a process ended; the message holds the end of its log.
        TimedOutError: the apiserver was not ready in 60 s.
    """
    kubernetes = go.build("kubernetes")
    pki, at = directory / "pki", _free_endpoints()
    control.make_pki(pki, at.address)
    extra = ("--authorization-mode=RBAC", "--disable-admission-plugins=ServiceAccount",
             "--endpoint-reconciler-type=none", "--advertise-address=10.199.0.1")  # fmt: skip
    with ExitStack() as stack:
        etcd = stack.enter_context(
            _process("etcd", control.etcd_command(kubernetes, directory / "etcd", at), directory)
        )
        command = control.apiserver_command(kubernetes, pki, at, *extra, *(_audit_flags(directory) if audit else ()))
        apiserver = stack.enter_context(_process("apiserver", command, directory))
        until(lambda: _ready(at.server, pki, directory, etcd, apiserver), what="the apiserver", seconds=60)
        write_kubeconfig(directory / "kubeconfig", server=at.server, pki=pki, user="admin")
        yield directory / "kubeconfig"


def _free_endpoints() -> control.Endpoints:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(3)]
        ports = [each.getsockname()[1] for each in sockets]
    return control.Endpoints("127.0.0.1", ports[0], f"http://127.0.0.1:{ports[1]}", f"http://127.0.0.1:{ports[2]}")


def _audit_flags(directory: Path) -> tuple[str, ...]:
    policy = directory / "audit-policy.json"
    policy.write_text(_AUDIT_POLICY)
    return (
        f"--audit-policy-file={policy}",
        f"--audit-log-path={directory / AUDIT_LOG}",
        "--audit-log-mode=blocking",
    )


def _end_with_parent() -> None:
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


@contextmanager
def _process(name: str, command: list[str], directory: Path) -> Iterator[subprocess.Popen[bytes]]:
    with (directory / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=directory, preexec_fn=_end_with_parent
        )
    try:
        yield process
    finally:
        process.kill()  # its state is thrown away, so there is nothing to be gentle with
        process.wait()


def _ready(server: str, pki: Path, directory: Path, *processes: subprocess.Popen[bytes]) -> bool:
    for process in processes:
        if process.poll() is not None:
            name = "etcd" if process is processes[0] else "apiserver"
            raise RuntimeError(f"{name} ended: {(directory / f'{name}.log').read_text(errors='replace')[-2000:]}")
    context = ssl.create_default_context(cafile=str(pki / "ca.crt"))
    context.load_cert_chain(pki / "admin.crt", pki / "admin.key")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
    try:
        with opener.open(f"{server}/readyz", timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
