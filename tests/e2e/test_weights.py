"""Sixty changes of weight under load, zero included, lose no request."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import cycle, islice
from typing import Any

from demo.kubectl import Kubectl, until
from demo.load import Load
from demo.tally import Tally
from demo.traffic import Traffic
from perennial.api.serving import GatewayReference, Router
from perennial.controllers.modeldeployment.route import route
from tests.e2e.conftest import GATEWAY, Told
from tests.e2e.envoy import service_counts, tally_classes

HOST = "weights.localhost"
RATE = 100.0
CHANGES = 60
WEIGHTS = (0, 1, 5, 25, 50, 100, 50, 0, 100, 10)
SETTLE_SECONDS = 20


def test_sixty_changes_of_weight_lose_no_request(told: Told) -> None:
    kubectl = told.stage.kubectl
    names = {version: name for name, version in told.stage.record.services.items()}
    old, new = names[1], names[2]
    with routed(kubectl, old, new):
        before = {name: service_counts(kubectl, name) for name in (old, new)}
        load = Load(f"{GATEWAY}/v1/models/flights:predict", f"{HOST}:8080", RATE)
        with Traffic(load, told.stage.rows_file) as traffic:
            until(lambda: traffic.tally().served(new) > 0, what="traffic flows", seconds=20)
            for weight in islice(cycle(WEIGHTS), CHANGES):
                change(kubectl, old, new, weight, traffic)
            tally = traffic.stop()
        counted = {name: service_counts(kubectl, name) - before[name] for name in (old, new)}
    assert tally.lost_total == 0
    assert set(tally.answers) == {old, new}
    assert tally.finished == tally.sent
    for name in (old, new):
        assert counted[name].classes == tally_classes(tally, name)
        assert counted[name].total == tally.served(name)


@contextmanager
def routed(kubectl: Kubectl, old: str, new: str) -> Iterator[None]:
    """A route of our own over two revisions, as the operator writes them, beside the operator's; removed in the end."""
    kubectl.apply(json.dumps(manifest(kubectl, old, new, 50)))
    until(lambda: settled(kubectl), what="the gateway takes the route", seconds=SETTLE_SECONDS)
    try:
        yield
    finally:
        kubectl("delete", "httproute", "weights")


def manifest(kubectl: Kubectl, old: str, new: str, weight: int) -> dict[str, Any]:
    """The route with its keeper rules; not the operator's, so without its labels and owner."""
    owner = kubectl.get("modeldeployment", "flights") or {}
    reference = GatewayReference(name="gw", namespace="envoy-gateway-system")
    router = Router(gateway_ref=reference, hostname=HOST)
    tokens = {old: "weights-old", new: "weights-new"}
    made = route(owner, router, {old: 100 - weight, new: weight}, tokens, datetime.now(UTC))
    return made | {"metadata": {"name": "weights", "namespace": kubectl.namespace}}


def change(kubectl: Kubectl, old: str, new: str, weight: int, traffic: Traffic) -> None:
    """Set the weights, and go on when the gateway has taken them and requests went through them."""
    kubectl.apply(json.dumps(manifest(kubectl, old, new, weight)))
    until(lambda: settled(kubectl), what=f"the gateway takes weight {weight}", seconds=SETTLE_SECONDS)
    until(_more(traffic), what=f"requests at weight {weight}", seconds=SETTLE_SECONDS)


def _more(traffic: Traffic) -> Any:
    start: Tally = traffic.tally()
    return lambda: traffic.tally().finished > start.finished


def settled(kubectl: Kubectl) -> bool:
    """Whether the gateway has taken the route as it is now."""
    found = kubectl.get("httproute", "weights") or {}
    conditions = [each for parent in found.get("status", {}).get("parents", []) for each in parent["conditions"]]
    generation = found["metadata"]["generation"]
    return bool(conditions) and all(
        each["status"] == "True" and each["observedGeneration"] == generation for each in conditions
    )
