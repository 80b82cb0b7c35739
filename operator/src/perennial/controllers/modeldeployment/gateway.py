"""The gateway in front: whether it took our route, and under which addresses it answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from perennial.api import modeldeployment as api

TAKEN = {"Accepted", "ResolvedRefs"}
"""A route is taken when both are true of its current generation."""
DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class GatewayState:
    """The condition GatewayReady, and the addresses of the model for users and inside the cluster."""

    status: Literal["True", "False", "Unknown"]
    reason: str
    message: str
    url: str | None = None
    internal_url: str | None = None

    @property
    def ready(self) -> bool:
        return self.status == "True"


@dataclass(frozen=True)
class GatewayView:
    """What was read: ``installed`` is false where the Gateway API is not; ``service`` is the gateway's Service."""

    installed: bool
    gateway: dict[str, Any] | None
    service: dict[str, Any] | None


NOTHING_SEEN = GatewayView(installed=True, gateway=None, service=None)


def state(
    view: GatewayView, router: api.Router, model: str, namespace: str, route: dict[str, Any] | None
) -> GatewayState:
    """What can be said of the gateway that ``router`` names and of our HTTPRoute there."""
    name = f"{router.gateway_ref.namespace or namespace}/{router.gateway_ref.name}"
    if not view.installed:
        return GatewayState(
            "False",
            api.GATEWAY_NOT_INSTALLED,
            "The Gateway API is not installed; install it and a gateway such as Envoy Gateway.",
        )
    if view.gateway is None:
        return GatewayState(
            "False", api.GATEWAY_NOT_FOUND, f"Gateway {name} does not exist; create it or mend spec.router.gatewayRef."
        )
    status, reason, message = _acceptance(route, name)
    url, port = _url(view.gateway, router, model)
    return GatewayState(status, reason, message, url, _internal(view.service, port, model))


def _acceptance(route: dict[str, Any] | None, gateway: str) -> tuple[Literal["True", "False", "Unknown"], str, str]:
    if route is None:
        return "Unknown", api.ROUTE_PENDING, "The route is made as soon as a revision is ready."
    parents = route.get("status", {}).get("parents", [])
    generation = route["metadata"].get("generation")
    said = [each for parent in parents for each in parent.get("conditions", []) if each["type"] in TAKEN]
    current = [each for each in said if each.get("observedGeneration") == generation]
    if {each["type"] for each in current} != TAKEN or len(current) != len(said):
        return "Unknown", api.ROUTE_PENDING, f"Gateway {gateway} has not taken the route yet."
    refused = next((each for each in current if each["status"] == "False"), None)
    if refused:
        return "False", api.ROUTE_REFUSED, f"Gateway {gateway} refuses the route: {refused['message'][:800]}"
    return "True", api.ROUTE_ACCEPTED, f"Gateway {gateway} has taken the route."


def _url(gateway: dict[str, Any], router: api.Router, model: str) -> tuple[str | None, int | None]:
    for listener in gateway["spec"].get("listeners", []):
        scheme = str(listener["protocol"]).lower()
        if scheme in DEFAULT_PORTS:
            port = int(listener["port"])
            authority = router.hostname if port == DEFAULT_PORTS[scheme] else f"{router.hostname}:{port}"
            return f"{scheme}://{authority}/v1/models/{model}", port
    return None, None


def _internal(service: dict[str, Any] | None, port: int | None, model: str) -> str | None:
    if service is None or port is None:
        return None
    metadata = service["metadata"]
    return f"http://{metadata['name']}.{metadata['namespace']}.svc:{port}/v1/models/{model}"
