"""Configuration of the node's daemons, as values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from . import images, network, paths

CONTAINERD = paths.STATE / "containerd"
SOCKET = CONTAINERD / "containerd.sock"


def containerd(cni_directory: Path) -> str:
    """containerd's configuration; every path of its own, so that one of the machine's is not disturbed."""
    return f"""\
version = 2
root = "{CONTAINERD}/root"
state = "{CONTAINERD}/state"
[grpc]
address = "{SOCKET}"
[plugins."io.containerd.internal.v1.opt"]
path = "{CONTAINERD}/opt"
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "{images.reference("pause")}"
# without CAP_SYS_RESOURCE every sandbox would die in runc's init
restrict_oom_score_adj = true
disable_apparmor = true
netns_mounts_under_state_dir = true
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
Root = "{CONTAINERD}/runc"
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "/usr/lib/cni"
conf_dir = "{cni_directory}"
"""


def cni() -> dict[str, Any]:
    """Pods on links of their own to the node: between two pods too, packets pass the node's translation of Services."""
    addresses = {
        "type": "host-local",
        "dataDir": str(paths.STATE / "cni"),
        "ranges": [[{"subnet": network.PODS}]],
        "routes": [{"dst": "0.0.0.0/0"}],
    }
    return {"cniVersion": "0.4.0", "name": paths.NAME, "plugins": [{"type": "ptp", "ipam": addresses}]}


def kubelet(pki: Path) -> dict[str, Any]:
    """The kubelet's configuration."""
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "containerRuntimeEndpoint": f"unix://{SOCKET}",
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{paths.NAME}",
        "failCgroupV1": False,
        "failSwapOn": False,
        "enforceNodeAllocatable": ["pods"],
        "address": network.NODE_ADDRESS,
        "healthzBindAddress": "127.0.0.1",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(pki / "ca.crt")},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": str(pki / "kubelet.crt"),
        "tlsPrivateKeyFile": str(pki / "kubelet.key"),
        "clusterDomain": "cluster.local",
        "clusterDNS": [network.NODE_ADDRESS],
        "resolvConf": "",
        # a developer's full disk is no reason to evict, and nothing could pull an image again
        "evictionHard": {
            "memory.available": "100Mi",
            "nodefs.available": "1%",
            "imagefs.available": "1%",
            "nodefs.inodesFree": "1%",
        },
        "imageGCHighThresholdPercent": 100,
        "podLogsDir": str(paths.STATE / "podlogs"),
    }


def kube_proxy(kubeconfig: Path, node: str) -> dict[str, Any]:
    """kube-proxy's configuration; conntrack limits are the machine's, so they stay as they are."""
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "nftables",
        "hostnameOverride": node,
        "bindAddress": network.NODE_ADDRESS,
        "healthzBindAddress": "127.0.0.1:10256",
        "metricsBindAddress": "127.0.0.1:10249",
        "clientConnection": {"kubeconfig": str(kubeconfig)},
        "clusterCIDR": network.PODS,
        "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
    }


def corefile(kubeconfig: Path) -> str:
    """CoreDNS' configuration."""
    return f"""\
.:53 {{
  bind {network.NODE_ADDRESS}
  errors
  health 127.0.0.1:8080
  ready 127.0.0.1:8181
  kubernetes cluster.local in-addr.arpa ip6.arpa {{
    kubeconfig {kubeconfig}
    pods insecure
    ttl 5
  }}
  cache 5
}}
"""
