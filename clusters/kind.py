"""A cluster in Docker, made by kind: the devcluster's manifests with upstream's released images."""

from __future__ import annotations

import shutil
from pathlib import Path

from devcluster import paths, run, stack
from devcluster.kubectl import Kubectl
from devcluster.locking import locked
from devcluster.pki import make_authority
from devcluster.progress import say, step

from . import docker, tools

NAME = "perennial"
CONFIG = Path(__file__).with_name("kind.yaml")
# The versions that the devcluster builds or unpacks (devcluster/go/*/go.mod, devcluster/wheels/envoy.txt).
RELEASED = {
    "kserve-manager": "docker.io/kserve/kserve-controller:v0.20.0",
    "envoy-gateway": "docker.io/envoyproxy/gateway:v1.9.1",
    "envoy": "docker.io/envoyproxy/envoy:distroless-v1.39.3",
    "prometheus": "docker.io/prom/prometheus:v3.16.0",
}


class Kind:
    """One node of kind; its kubeconfig is a file of its own."""

    name = "kind"
    gateway = "http://127.0.0.1:8080"
    prometheus = "http://127.0.0.1:9090"
    overlay = "devcluster"  # it is the same inside

    @property
    def state(self) -> Path:
        """What lives as long as the cluster: kubeconfig, authority."""
        return paths.cache() / "kind"

    @property
    def kubeconfig(self) -> Path:
        """The admin's."""
        return self.state / "kubeconfig"

    def settings(self) -> tuple[str, ...]:
        """None beside the overlay's."""
        return ()

    def image(self, name: str) -> str:
        """The reference of an image, whose tag is the hash of what goes in."""
        return docker.reference(name)

    def kubectl(self) -> Kubectl:
        """kubectl as the admin."""
        return Kubectl((tools.program("kubectl"), "--kubeconfig", str(self.kubeconfig)))

    def alias(self) -> str:
        """Its kubeconfig, and the kubectl that is used."""
        return f"export KUBECONFIG={self.kubeconfig}; alias kubectl='{tools.program('kubectl')}'"

    def build(self) -> int:
        """Make the images."""
        for name in docker.NAMES:
            docker.ensure(name)
        return 0

    def up(self) -> int:
        """Make the cluster, load the images and apply what Perennial needs."""
        self.build()
        with locked(self.state.with_suffix(".lock"), what="the cluster"):
            self._create()
            self._load()
            site = stack.Site(self.kubectl(), RELEASED, self.state / "pki", self.state)
            with step("kinds of KServe and of the gateway", 15):
                stack.install_kinds(site)
            # The node pulls released images itself.
            stack.install(site, lambda _: None)
        say(f"the cluster is up: {self.gateway} is the gateway, {self.prometheus} Prometheus")
        say(f"export KUBECONFIG={self.kubeconfig}")
        return 0

    def down(self) -> int:
        """Delete the cluster; images stay in Docker."""
        run.logged("kind-delete", [tools.program("kind"), "delete", "cluster", "--name", NAME])
        shutil.rmtree(self.state, ignore_errors=True)
        say("the cluster is gone")
        return 0

    def status(self) -> int:
        """What the pods do."""
        if not self._exists():
            print("the cluster is down")
            return 1
        print(self.kubectl()("get", "nodes,pods", "--all-namespaces", "--output=wide"))
        return 0

    def _exists(self) -> bool:
        return NAME in run.answer([tools.program("kind"), "get", "clusters"]).split() and self.kubeconfig.exists()

    def _create(self) -> None:
        if self._exists():
            return
        shutil.rmtree(self.state, ignore_errors=True)  # of a cluster that was deleted behind our back
        make_authority(self.state / "pki", "perennial-kind")
        options = ["--config", str(CONFIG), "--kubeconfig", str(self.kubeconfig), "--wait", "180s"]
        with step("kind: a node in Docker", 60):
            run.logged("kind-create", [tools.program("kind"), "create", "cluster", "--name", NAME, *options])

    def _load(self) -> None:
        references = [docker.reference(name) for name in docker.NAMES]
        with step("images of Perennial", 20):
            command = [tools.program("kind"), "load", "docker-image", "--name", NAME, *references]
            run.logged("kind-load", command)
