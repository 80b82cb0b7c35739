"""What commands, the demonstration and the tests know of a cluster."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from devcluster.kubectl import Kubectl


class Cluster(Protocol):
    """A cluster with what Perennial needs.

    Methods that act say what they do on standard output and return an exit code.
    """

    @property
    def name(self) -> str:
        """What PERENNIAL_CLUSTER calls it."""

    @property
    def gateway(self) -> str:
        """Scheme and address at which this machine reaches the gateway."""

    @property
    def prometheus(self) -> str:
        """URL at which this machine reaches Prometheus."""

    @property
    def overlay(self) -> str:
        """The folder of manifests/ or manifests/overlays that is installed."""

    def settings(self) -> Iterable[str]:
        """Settings of the operator beside the overlay's, as NAME=VALUE."""

    def image(self, name: str) -> str:
        """The reference of the image `operator`, `trainer` or `flights-data` as the cluster knows it."""

    def kubectl(self) -> Kubectl:
        """kubectl against it."""

    def alias(self) -> str:
        """Shell commands after which `kubectl` means it."""

    def build(self) -> int:
        """Make binaries and images, start nothing."""

    def up(self) -> int:
        """Bring it up, or see that it has what is needed."""

    def down(self) -> int:
        """Remove it, or Perennial from it where it is not ours."""

    def status(self) -> int:
        """Say what runs."""
