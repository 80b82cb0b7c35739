"""The HTTPRoute in front of a ModelDeployment's revisions.

A *split* rule divides users' requests by weight. Beside it each live revision has a *keeper* rule, which a header with
the revision's token selects: it keeps the gateway's cluster of that revision alive at weight 0, so that a step from
0 to more loses no request, and it is the preflight's way in.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from perennial.api.serving import Router
from perennial.controllers.modeldeployment import naming
from perennial.core.conditions import parse_time

SPLIT = "split"


@dataclass(frozen=True)
class LiveRoute:
    """What the route in the cluster says. ``weights`` is empty before any revision gets users' requests.

    ``mirror``: the InferenceService that gets copies of requests, and of how many percent.
    ``rolled_back`` (revision -> sentence) is there from the write that ended a canary's share until that is recorded.
    """

    weights: Mapping[str, int]
    tokens: Mapping[str, str]
    since: datetime | None
    rolled_back: Mapping[str, str] = field(default_factory=dict)
    mirror: tuple[str, int] | None = None

    @property
    def services(self) -> frozenset[str]:
        """The InferenceServices it names anywhere."""
        return frozenset(self.weights) | frozenset(self.tokens)


EMPTY = LiveRoute({}, {}, None)


def predictor(service: str) -> str:
    """The Service that KServe makes for an InferenceService in Standard mode."""
    return f"{service}-predictor"


def _paths(name: str) -> list[dict[str, Any]]:
    # A catch-all would publish the server's metrics and its administrative paths.
    return [
        {"path": {"type": "Exact", "value": f"/v1/models/{name}"}},
        {"path": {"type": "Exact", "value": f"/v1/models/{name}:predict"}},
        {"path": {"type": "PathPrefix", "value": f"/v2/models/{name}"}},
    ]


def _backend(service: str, weight: int) -> dict[str, Any]:
    return {"group": "", "kind": "Service", "name": predictor(service), "port": 80, "weight": weight}


def _mirrored(service: str, percent: int) -> dict[str, Any]:
    """A filter of the rule: one of a backend would end the merging of its clusters."""
    backend = {key: value for key, value in _backend(service, 0).items() if key != "weight"}
    return {"type": "RequestMirror", "requestMirror": {"backendRef": backend, "percent": percent}}


def _keeper(name: str, service: str, token: str) -> dict[str, Any]:
    header = {"type": "Exact", "name": naming.REVISION_HEADER, "value": token}
    return {
        "name": service,
        "matches": [{**path, "headers": [header]} for path in _paths(name)],
        "backendRefs": [_backend(service, 1)],
    }


def route(
    deployment: dict[str, Any],
    router: Router,
    weights: Mapping[str, int],
    tokens: Mapping[str, str],
    since: datetime,
    rolled_back: Mapping[str, str] | None = None,
    mirror: tuple[str, int] | None = None,
) -> dict[str, Any]:
    """The HTTPRoute that sends ``weights`` (InferenceService -> percent) of users' requests to each revision.

    ``tokens`` (InferenceService -> token) has every live revision, also those that get no users' requests yet.
    ``since`` is when the weights or the ``mirror`` were last changed; counts are cut there. The others are as
    `LiveRoute` reads them.
    """
    name = deployment["metadata"]["name"]
    metadata = naming.child_metadata(deployment, name)
    metadata["annotations"] = {naming.WEIGHTS_SINCE: since.isoformat()}
    if rolled_back:
        metadata["annotations"][naming.ROUTE_ROLLED_BACK] = json.dumps(dict(rolled_back))
    split = {
        "name": SPLIT,
        "matches": _paths(name),
        **({"filters": [_mirrored(*mirror)]} if mirror else {}),
        "backendRefs": [_backend(service, weight) for service, weight in weights.items()],
    }
    keepers = [_keeper(name, service, token) for service, token in sorted(tokens.items())]
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": metadata,
        "spec": {
            "parentRefs": [_parent(router, metadata["namespace"])],
            "hostnames": [router.hostname],
            "rules": [split, *keepers] if weights else keepers,
        },
    }


def _parent(router: Router, namespace: str) -> dict[str, Any]:
    reference = router.gateway_ref
    return {
        "group": "gateway.networking.k8s.io",
        "kind": "Gateway",
        "name": reference.name,
        "namespace": reference.namespace or namespace,
    }


def read(obj: dict[str, Any] | None) -> LiveRoute:
    """What a live HTTPRoute of ours says."""
    if obj is None:
        return EMPTY
    weights: dict[str, int] = {}
    tokens: dict[str, str] = {}
    mirror = None
    for rule in obj["spec"].get("rules", []):
        if rule.get("name") == SPLIT:
            weights = {_service(ref): ref.get("weight", 1) for ref in rule.get("backendRefs", [])}
            mirror = next((_copied(each) for each in rule.get("filters", []) if "requestMirror" in each), None)
        else:
            tokens.update(_tokens(rule))
    said = obj["metadata"].get("annotations", {})
    return LiveRoute(weights, tokens, _since(said), _rolled_back(said), mirror)


def _copied(rule_filter: dict[str, Any]) -> tuple[str, int]:
    copied = rule_filter["requestMirror"]
    return _service(copied["backendRef"]), int(copied.get("percent", 100))


def _since(annotations: dict[str, str]) -> datetime | None:
    """None also for what somebody else wrote there: the next write of the weights mends it."""
    try:
        return parse_time(annotations[naming.WEIGHTS_SINCE])
    except (KeyError, ValueError):
        return None


def _rolled_back(annotations: dict[str, str]) -> dict[str, str]:
    try:
        found = json.loads(annotations.get(naming.ROUTE_ROLLED_BACK, "{}"))
    except ValueError:
        return {}
    return {str(key): str(value) for key, value in found.items()} if isinstance(found, dict) else {}


def _service(reference: dict[str, Any]) -> str:
    return str(reference["name"]).removesuffix("-predictor")


def _tokens(rule: dict[str, Any]) -> Iterable[tuple[str, str]]:
    for match in rule.get("matches", []):
        for header in match.get("headers", []):
            if header["name"].lower() == naming.REVISION_HEADER and rule.get("name"):
                yield rule["name"], header["value"]
