"""The node: certificates, configuration and daemons of a one-node Kubernetes in its own network namespace."""

from __future__ import annotations

import json
from pathlib import Path

from . import control, network, nodeconfig, paths
from .kubeconfig import write_kubeconfig
from .pki import Certificate
from .processes import Daemon
from .storing import write_if_changed

NAME = "devcluster"
PKI = paths.STATE / "pki"
CONFIG = paths.STATE / "config"
ENDPOINTS = control.Endpoints(network.NODE_ADDRESS, 6443, "http://127.0.0.1:2379", "http://127.0.0.1:2380")
_SCRIPTS = ("forward.py", "volumes.py")
_CLIENTS = (
    Certificate("controller-manager", "/CN=system:kube-controller-manager"),
    Certificate("scheduler", "/CN=system:kube-scheduler"),
    Certificate("proxy", "/CN=system:kube-proxy"),
    Certificate("coredns", "/O=system:masters/CN=coredns"),
    Certificate(
        "kubelet",
        f"/O=system:nodes/CN=system:node:{NAME}",
        ("clientAuth", "serverAuth"),
        (f"DNS:{NAME}", f"IP:{network.NODE_ADDRESS}"),
    ),
)


def write_configuration() -> None:
    """Write certificates, kubeconfigs and the daemons' configuration; the same again where it was done before."""
    control.make_pki(PKI, network.NODE_ADDRESS, _CLIENTS)
    CONFIG.mkdir(parents=True, exist_ok=True)
    for user in ("admin", *(client.name for client in _CLIENTS)):
        write_kubeconfig(CONFIG / f"{user}.kubeconfig", server=ENDPOINTS.server, pki=PKI, user=user)
    write_kubeconfig(paths.KUBECONFIG, server="https://127.0.0.1:6443", pki=PKI, user="admin")
    (CONFIG / "cni").mkdir(exist_ok=True)
    for name, content in _configuration().items():
        write_if_changed(CONFIG / name, content)


def _configuration() -> dict[str, str]:
    return {
        "cni/10-pods.conflist": json.dumps(nodeconfig.cni(), indent=1),
        "containerd.toml": nodeconfig.containerd(CONFIG / "cni"),
        "kubelet.json": json.dumps(nodeconfig.kubelet(PKI), indent=1),
        "proxy.json": json.dumps(nodeconfig.kube_proxy(CONFIG / "proxy.kubeconfig", NAME), indent=1),
        "Corefile": nodeconfig.corefile(CONFIG / "coredns.kubeconfig"),
        # copies, so that `up` of another clone finds its own daemons in these
        **{script: (paths.PACKAGE / script).read_text() for script in _SCRIPTS},
    }


def _inside(name: str, command: list[str], *files: Path) -> Daemon:
    return Daemon(name, (*network.INSIDE, *command), files)


def etcd(kubernetes: Path) -> Daemon:
    """The store."""
    return _inside("etcd", control.etcd_command(kubernetes, paths.STATE / "etcd", ENDPOINTS))


def apiserver(kubernetes: Path) -> Daemon:
    """The API."""
    extra = (
        f"--advertise-address={network.NODE_ADDRESS}",
        "--allow-privileged",
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        f"--kubelet-client-certificate={PKI / 'apiserver-kubelet.crt'}",
        f"--kubelet-client-key={PKI / 'apiserver-kubelet.key'}",
        f"--kubelet-certificate-authority={PKI / 'ca.crt'}",
        "--kubelet-preferred-address-types=InternalIP",
    )
    return _inside("apiserver", control.apiserver_command(kubernetes, PKI, ENDPOINTS, *extra), PKI / "apiserver.crt")


def controllers(kubernetes: Path) -> list[Daemon]:
    """Controller manager, scheduler and kube-proxy."""
    manager = [
        f"--kubeconfig={CONFIG / 'controller-manager.kubeconfig'}",
        "--bind-address=127.0.0.1",
        "--leader-elect=false",
        "--use-service-account-credentials",
        "--pvclaimbinder-sync-period=1s",  # else a claim binds after 11 s
        f"--service-account-private-key-file={PKI / 'service-account.key'}",
        f"--root-ca-file={PKI / 'ca.crt'}",
        f"--cluster-signing-cert-file={PKI / 'ca.crt'}",
        f"--cluster-signing-key-file={PKI / 'ca.key'}",
    ]
    scheduler = [
        f"--kubeconfig={CONFIG / 'scheduler.kubeconfig'}",
        "--bind-address=127.0.0.1",
        "--leader-elect=false",
    ]
    proxy = CONFIG / "proxy.json"
    return [
        _inside("controller-manager", [str(kubernetes), "kube-controller-manager", *manager]),
        _inside("scheduler", [str(kubernetes), "kube-scheduler", *scheduler]),
        _inside("proxy", [str(kubernetes), "kube-proxy", f"--config={proxy}"], proxy),
    ]


def containerd() -> Daemon:
    """The container runtime."""
    config = CONFIG / "containerd.toml"
    return _inside("containerd", ["containerd", "--config", str(config)], config)


def kubelet(kubernetes: Path) -> Daemon:
    """What runs pods."""
    config = CONFIG / "kubelet.json"
    flags = [
        f"--config={config}",
        f"--kubeconfig={CONFIG / 'kubelet.kubeconfig'}",
        f"--hostname-override={NAME}",
        f"--node-ip={network.NODE_ADDRESS}",
        f"--root-dir={paths.STATE / 'kubelet'}",
        f"--cert-dir={paths.STATE / 'kubelet' / 'pki'}",
    ]
    return _inside("kubelet", [str(kubernetes), "kubelet", *flags], config)


def coredns(binary: Path) -> Daemon:
    """Names of Services, as a process of the node."""
    config = CONFIG / "Corefile"
    return _inside("coredns", [str(binary), "-conf", str(config)], config)


def forwarder(ports: dict[int, int]) -> Daemon:
    """Ports of this machine's loopback, by port, to ports of the node."""
    script = CONFIG / "forward.py"
    rules = [f"{port}={network.NODE_ADDRESS}:{inside}" for port, inside in ports.items()]
    return Daemon("forward", ("python3", "-I", str(script), str(network.NAMESPACE_FILE), *rules), (script,))


def volumes() -> Daemon:
    """What gives claims their storage."""
    script = CONFIG / "volumes.py"
    command = ["python3", "-I", str(script), ENDPOINTS.server, str(PKI), str(paths.STATE / "volumes")]
    return _inside("volumes", command, script)
