"""The devcluster behind the face of a cluster."""

from __future__ import annotations

from devcluster import images, paths
from devcluster.__main__ import main
from devcluster.kubectl import Kubectl, of_devcluster


class Dev:
    """A real one-node Kubernetes without Docker."""

    name = "devcluster"
    gateway = "http://127.0.0.1:8080"
    prometheus = "http://127.0.0.1:9090"
    overlay = "devcluster"

    def settings(self) -> tuple[str, ...]:
        """None beside the overlay's."""
        return ()

    def image(self, name: str) -> str:
        """The reference of an image, whose tag is the hash of what goes in."""
        return images.reference(name)

    def kubectl(self) -> Kubectl:
        """kubectl as the admin."""
        return of_devcluster()

    def alias(self) -> str:
        """Its kubeconfig and its own kubectl."""
        return f"export KUBECONFIG={paths.KUBECONFIG}; alias kubectl='{' '.join(of_devcluster().program[:2])}'"

    def build(self) -> int:
        """Make binaries and images."""
        return main(["build"])

    def up(self) -> int:
        """Make what is missing and bring it up, or up to date."""
        return main(["up"])

    def down(self) -> int:
        """Remove it."""
        return main(["down"])

    def status(self) -> int:
        """Which daemons run and what the pods do."""
        return main(["status"])
