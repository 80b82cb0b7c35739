"""Brings the cluster up: makes what is missing, starts what does not run, applies what has changed."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor

from . import (
    boot,
    cgroups,
    containers,
    down,
    go,
    images,
    network,
    node,
    paths,
    prepare,
    processes,
    stack,
    sysctls,
)
from .kubectl import of_devcluster
from .progress import say, step
from .waiting import TimedOutError, until

_PORTS = {6443: 6443, 8080: 30080, 9090: 30090}


def up() -> None:
    """Bring the cluster up, or bring a running one up to date.

    Raises:
        CommandError, TimedOutError: a step failed; `up` may be run again and goes on where it stopped.
    """
    prepare.prepare()
    if paths.STATE.exists() and not boot.is_same():
        say("there is a cluster from before a reboot: removing it")
        down.remove()
    with ThreadPoolExecutor(max_workers=1) as importer:
        start_control_plane()
        imports = start_node(importer)
        install(imports)
        for done in imports.values():
            done.result()
    say("the cluster is up: http://127.0.0.1:8080 is the gateway, http://127.0.0.1:9090 Prometheus")
    say(f"export KUBECONFIG={paths.KUBECONFIG}")


def start_control_plane() -> None:
    """Start etcd, the apiserver and containerd, and wait until they answer."""
    kubernetes = go.build("kubernetes")
    boot.record()
    network.ensure_namespace()
    cgroups.ensure()
    sysctls.save()
    node.write_configuration()
    with step("control plane", 6):
        for daemon in (node.etcd(kubernetes), node.apiserver(kubernetes), node.containerd(), node.forwarder(_PORTS)):
            processes.ensure(daemon)
        try:
            until(lambda: of_devcluster().succeeds("get", "--raw", "/readyz"), what="the apiserver", seconds=60)
        except TimedOutError as late:
            raise TimedOutError(f"{late}\n{processes.log_tail('apiserver')}") from None
        containers.wait_ready()


def start_node(importer: ThreadPoolExecutor) -> dict[str, Future[None]]:
    """Start the other daemons and the import of images; what others wait for is imported first."""
    kubernetes = go.build("kubernetes")
    containers.ensure("pause")
    volumes = node.volumes()
    for daemon in (*node.controllers(kubernetes), node.kubelet(kubernetes), node.coredns(go.build("coredns")), volumes):
        processes.ensure(daemon)
    return {name: importer.submit(containers.ensure, name) for name in images.NAMES}


def install(imports: dict[str, Future[None]]) -> None:
    """Apply what runs in the cluster, each when its image is there, and wait until all of it is ready."""
    references = {name: images.reference(name) for name in stack.IMAGES}
    site = stack.Site(of_devcluster(), references, node.PKI, paths.STATE)
    with step("kinds of KServe and of the gateway", 15):
        stack.install_kinds(site)
        site.kubectl.apply_files([paths.MANIFESTS / "storage.yaml"])
        site.kubectl.wait_for("condition=Ready", f"node/{node.NAME}", seconds=60)
    stack.install(site, lambda name: imports[name].result())
