"""Looking at a cluster that is not ours, for `needs`."""

from __future__ import annotations

import json
import re
from typing import Any

from devcluster.kubectl import Kubectl
from devcluster.run import CommandError

from .needs import ENVOY_GATEWAY, GATEWAY_API, Found

_QUICK = "--request-timeout=10s"
# A Service inside the cluster, as in http://prometheus.monitoring:9090 or http://prometheus.monitoring.svc:9090/path.
_SERVICE = re.compile(
    r"(?P<scheme>https?)://(?P<name>[a-z0-9-]+)\.(?P<namespace>[a-z0-9-]+)(\.svc(\.[a-z0-9.-]+)?)?"
    r":(?P<port>\d+)(?P<path>/.*)?"
)


def look(kubectl: Kubectl, prometheus: str) -> Found:
    """What there is of what Perennial needs.

    Args:
        kubectl: the cluster.
        prometheus: the operator's PERENNIAL_PROMETHEUS_URL; may be empty.
    """
    context = _context(kubectl)
    if not context:
        return Found()
    if silence := _trouble(kubectl, "/readyz"):
        return Found(context, silence)
    kinds = frozenset(_names(kubectl, "customresourcedefinitions"))
    return Found(
        context,
        kinds=kinds,
        gateways=_programmed(kubectl) if GATEWAY_API[0] in kinds else (),
        merged=ENVOY_GATEWAY in kinds and _merges(kubectl),
        prometheus=prometheus,
        deaf=_deaf(kubectl, prometheus),
    )


def proxied(url: str) -> str:
    """The apiserver's path to readiness of a Prometheus behind a Service; empty for another address.

    >>> proxied("http://prometheus.monitoring:9090")
    '/api/v1/namespaces/monitoring/services/http:prometheus:9090/proxy/-/ready'
    """
    found = _SERVICE.fullmatch(url)
    if not found:
        return ""
    service = f"{found['scheme']}:{found['name']}:{found['port']}"
    below = (found["path"] or "").rstrip("/")
    return f"/api/v1/namespaces/{found['namespace']}/services/{service}/proxy{below}/-/ready"


def _context(kubectl: Kubectl) -> str:
    try:
        return kubectl("config", "current-context")
    except CommandError:
        return ""


def _trouble(kubectl: Kubectl, path: str) -> str:
    """Why the apiserver gives no answer at a path, as kubectl's last line; empty if it does."""
    try:
        kubectl("get", "--raw", path, _QUICK)
    except CommandError as error:
        return str(error).splitlines()[-1].strip()
    return ""


def _deaf(kubectl: Kubectl, url: str) -> str:
    path = proxied(url)
    return _trouble(kubectl, path) if path else ""


def _names(kubectl: Kubectl, kind: str) -> list[str]:
    return [name.partition("/")[2] for name in kubectl("get", kind, "--output=name", _QUICK).split()]


def _items(kubectl: Kubectl, kind: str) -> list[dict[str, Any]]:
    return list(json.loads(kubectl("get", kind, "--all-namespaces", "--output=json", _QUICK))["items"])


def _programmed(kubectl: Kubectl) -> tuple[str, ...]:
    return tuple(
        f"{each['metadata']['namespace']}/{each['metadata']['name']}"
        for each in _items(kubectl, GATEWAY_API[0])
        for condition in each.get("status", {}).get("conditions", [])
        if (condition["type"], condition["status"]) == ("Programmed", "True")
    )


def _merges(kubectl: Kubectl) -> bool:
    return any("mergeBackends" in each.get("spec", {}) for each in _items(kubectl, ENVOY_GATEWAY))
