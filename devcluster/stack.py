"""What Perennial needs of a cluster: KServe, a gateway, Prometheus. The same on every cluster but for the images."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from . import crds, gateway, kserve, monitoring
from .kubectl import Kubectl
from .progress import step

IMAGES = ("kserve-manager", "envoy-gateway", "envoy", "prometheus")


@dataclass(frozen=True)
class Site:
    """A cluster that gets the stack.

    Attributes:
        kubectl: the cluster.
        images: the reference of each of `IMAGES`.
        pki: a folder with an authority.
        state: a folder that lives as long as the cluster.
    """

    kubectl: Kubectl
    images: Mapping[str, str]
    pki: Path
    state: Path

    @property
    def gateway(self) -> gateway.Images:
        """The images of the gateway."""
        return gateway.Images(self.images["envoy-gateway"], self.images["envoy"])


def install_kinds(site: Site) -> None:
    """Apply the kinds of KServe and of the gateway."""
    crds.install(site.kubectl, site.state / "crds-applied")


def install(site: Site, wait_for_image: Callable[[str], object]) -> None:
    """Apply KServe, the gateway and Prometheus, and wait until they are ready.

    Args:
        site: the cluster; it has the kinds.
        wait_for_image: called with a name of `IMAGES` before something is applied that runs it.

    Raises:
        CommandError, TimedOutError: a step failed; it may be done again.
    """
    with step("KServe, gateway, Prometheus", 15):
        wait_for_image("kserve-manager")
        kserve.install(site.kubectl, site.images["kserve-manager"], site.pki)
        wait_for_image("envoy-gateway")
        gateway.install_controller(site.kubectl, site.gateway)
        wait_for_image("envoy")
        gateway.install_gateway(site.kubectl, site.gateway)
        wait_for_image("prometheus")
        monitoring.install(site.kubectl, site.images["prometheus"])
        kserve.install_webhooks(site.kubectl, site.pki)
        gateway.wait_ready(site.kubectl)
        monitoring.wait_ready(site.kubectl)
