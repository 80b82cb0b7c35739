"""The control plane's certificates and command lines, shared by the cluster and by the tests' plain apiserver."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .pki import Certificate, issue, make_authority, make_key, make_public_key

SERVICES = "10.96.0.0/16"
FIRST_SERVICE_ADDRESS = "10.96.0.1"
_SERVICE = "kubernetes.default.svc"


@dataclass(frozen=True)
class Endpoints:
    """Addresses of one control plane: the apiserver's address and port, and etcd's two URLs."""

    address: str
    port: int
    etcd_client: str
    etcd_peer: str

    @property
    def server(self) -> str:
        """The apiserver's URL."""
        return f"https://{self.address}:{self.port}"


def make_pki(pki: Path, address: str, clients: tuple[Certificate, ...] = ()) -> None:
    """Write the authority, the apiserver's certificates, the service account key pair and clients' certificates.

    Does nothing where it was done before. service-account.pub is written last: its presence says that all is there.
    """
    if (pki / "service-account.pub").exists():
        return
    make_authority(pki, "perennial-devcluster")
    names = ("kubernetes", "kubernetes.default", _SERVICE, f"{_SERVICE}.cluster.local", "localhost")
    addresses = sorted({"127.0.0.1", FIRST_SERVICE_ADDRESS, address})
    alternative = (*(f"DNS:{name}" for name in names), *(f"IP:{each}" for each in addresses))
    issue(pki, Certificate("apiserver", "/CN=kube-apiserver", ("serverAuth",), alternative))
    issue(pki, Certificate("apiserver-kubelet", "/O=system:masters/CN=apiserver-kubelet-client"))
    issue(pki, Certificate("front-proxy", "/CN=front-proxy-client"))
    issue(pki, Certificate("admin", "/O=system:masters/CN=admin"))
    for client in clients:
        issue(pki, client)
    make_key(pki / "service-account.key")
    make_public_key(pki / "service-account.key", pki / "service-account.pub")


def etcd_command(kubernetes: Path, data: Path, at: Endpoints) -> list[str]:
    """Command line of etcd."""
    return [str(kubernetes), "etcd", str(data), at.etcd_client, at.etcd_peer]


def apiserver_command(kubernetes: Path, pki: Path, at: Endpoints, *extra: str) -> list[str]:
    """Command line of kube-apiserver, with RBAC, service account tokens and aggregation."""
    flags = {
        "etcd-servers": at.etcd_client,
        "bind-address": at.address,
        "secure-port": str(at.port),
        "service-cluster-ip-range": SERVICES,
        "client-ca-file": str(pki / "ca.crt"),
        "tls-cert-file": str(pki / "apiserver.crt"),
        "tls-private-key-file": str(pki / "apiserver.key"),
        "service-account-issuer": f"https://{_SERVICE}.cluster.local",
        "service-account-key-file": str(pki / "service-account.pub"),
        "service-account-signing-key-file": str(pki / "service-account.key"),
    }
    command = [str(kubernetes), "kube-apiserver", *(f"--{flag}={value}" for flag, value in flags.items())]
    return [*command, *_aggregation(pki), *extra]


def _aggregation(pki: Path) -> list[str]:
    flags = {
        "requestheader-client-ca-file": str(pki / "ca.crt"),
        "requestheader-allowed-names": "front-proxy-client",
        "requestheader-username-headers": "X-Remote-User",
        "requestheader-group-headers": "X-Remote-Group",
        "requestheader-extra-headers-prefix": "X-Remote-Extra-",
        "proxy-client-cert-file": str(pki / "front-proxy.crt"),
        "proxy-client-key-file": str(pki / "front-proxy.key"),
    }
    return [*(f"--{flag}={value}" for flag, value in flags.items()), "--enable-aggregator-routing"]
