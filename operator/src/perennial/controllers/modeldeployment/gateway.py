"""The gateway in front: whether it took our route, and under which addresses it answers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from perennial.api import modeldeployment as api
from perennial.api.serving import Router
from perennial.controllers.jobs.text import clean

TAKEN = {"Accepted", "ResolvedRefs"}
"""A route is taken when both are true of its current generation."""
DEFAULT_PORTS = {"http": 80, "https": 443}
NO_ADDRESS = "AddressNotAssigned"
"""Programmed is false so where nothing gives out addresses; inside the cluster such a gateway answers all the same."""
Status = Literal["True", "False", "Unknown"]


@dataclass(frozen=True)
class GatewayState:
    """The condition GatewayReady, and the addresses of the model for users and inside the cluster.

    ``ready``: the gateway has the route as it is now. ``answers`` is false when no request can come through it.
    """

    status: Status
    reason: str
    message: str
    url: str | None = None
    internal_url: str | None = None

    @property
    def ready(self) -> bool:
        return self.status == "True" or self.reason == api.BACKENDS_NOT_MERGED

    @property
    def answers(self) -> bool:
        return self.reason not in (api.GATEWAY_NOT_INSTALLED, api.GATEWAY_NOT_FOUND, api.GATEWAY_NOT_READY)


@dataclass(frozen=True)
class GatewayView:
    """What was read: ``installed`` is false where the Gateway API is not; ``service`` is the gateway's Service.

    ``unmerged``: the gateway counts the rules of our route by their index, not by Service.
    """

    installed: bool
    gateway: dict[str, Any] | None
    service: dict[str, Any] | None
    unmerged: bool = False


NOTHING_SEEN = GatewayView(installed=True, gateway=None, service=None)


def state(view: GatewayView, router: Router, model: str, namespace: str, route: dict[str, Any] | None) -> GatewayState:
    """What can be said of the gateway that ``router`` names and of our HTTPRoute there."""
    name = f"{router.gateway_ref.namespace or namespace}/{router.gateway_ref.name}"
    if not view.installed:
        return GatewayState(
            "False",
            api.GATEWAY_NOT_INSTALLED,
            "The Gateway API is not installed (Gateway and HTTPRoute); install it and a gateway such as Envoy Gateway.",
        )
    if view.gateway is None:
        return GatewayState(
            "False", api.GATEWAY_NOT_FOUND, f"Gateway {name} does not exist; create it or mend spec.router.gatewayRef."
        )
    problem = _not_ready(view.gateway)
    if problem:
        status: Status = "False"
        reason, message = api.GATEWAY_NOT_READY, f"Gateway {name} {problem}"
    else:
        status, reason, message = _acceptance(route, name)
    if status == "True" and view.unmerged:
        status, reason = "False", api.BACKENDS_NOT_MERGED
        message = (
            f"Gateway {name} counts this route's requests by rule and not by Service, so no version can be judged; set"
            " mergeBackends in its EnvoyProxy, and delete any BackendTrafficPolicy that targets the route."
        )
    return GatewayState(
        status, reason, message, _url(view.gateway, router, model), _internal(view.gateway, view.service, model)
    )


def _not_ready(gateway: dict[str, Any]) -> str | None:
    """Why no request can come through the Gateway at all, as its own conditions tell."""
    said = {each["type"]: each for each in gateway.get("status", {}).get("conditions", [])}
    accepted, programmed = said.get("Accepted", {}), said.get("Programmed", {})
    if accepted.get("status", "Unknown") == "Unknown":
        wanted = gateway["spec"].get("gatewayClassName", "")
        return f"was taken by no controller; is there a GatewayClass {wanted}, and does its controller run?"
    for each in (accepted, programmed):
        if each.get("status") == "False" and each.get("reason") != NO_ADDRESS:
            words = clean(str(each.get("message", "")), 800)
            return f"is not ready; mend it: {each['type']} is False ({each.get('reason')}): {words}"
    return None


def _acceptance(route: dict[str, Any] | None, gateway: str) -> tuple[Status, str, str]:
    if route is None:
        return "Unknown", api.ROUTE_PENDING, "The route is made as soon as a revision is ready."
    parents = route.get("status", {}).get("parents", [])
    generation = route["metadata"].get("generation")
    said = [each for parent in parents for each in parent.get("conditions", []) if each["type"] in TAKEN]
    current = [each for each in said if each.get("observedGeneration") == generation]
    if {each["type"] for each in current} != TAKEN or len(current) != len(said):
        message = f"Gateway {gateway} has not taken the route yet; if that stays, look at the gateway's controller."
        return "Unknown", api.ROUTE_PENDING, message
    refused = next((each for each in current if each["status"] == "False"), None)
    if refused:
        return (
            "False",
            api.ROUTE_REFUSED,
            f"Gateway {gateway} refuses the route: {clean(str(refused.get('message', '')), 800)}",
        )
    return "True", api.ROUTE_ACCEPTED, f"Gateway {gateway} has taken the route."


def _url(gateway: dict[str, Any], router: Router, model: str) -> str | None:
    for scheme, port in _listeners(gateway):
        authority = router.hostname if port == DEFAULT_PORTS[scheme] else f"{router.hostname}:{port}"
        return f"{scheme}://{authority}/v1/models/{model}"
    return None


def _listeners(gateway: dict[str, Any]) -> Iterator[tuple[str, int]]:
    """Scheme and port of each listener that HTTP requests can come in by."""
    for listener in gateway["spec"].get("listeners", []):
        scheme = str(listener["protocol"]).lower()
        if scheme in DEFAULT_PORTS:
            yield scheme, int(listener["port"])


def _internal(gateway: dict[str, Any], service: dict[str, Any] | None, model: str) -> str | None:
    # The preflight asks without TLS: it has no certificate authority to trust.
    port = next((port for scheme, port in _listeners(gateway) if scheme == "http"), None)
    if service is None or port is None:
        return None
    metadata = service["metadata"]
    return f"http://{metadata['name']}.{metadata['namespace']}.svc:{port}/v1/models/{model}"
