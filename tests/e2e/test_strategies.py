"""Blue-green and shadow on the flights' models, under load: users see one version at a time and miss no answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from demo.kubectl import Kubectl, until
from demo.load import Load
from demo.tally import Tally
from demo.traffic import Traffic
from tests.e2e.conftest import GATEWAY, Told

RATE = 50.0
SECONDS = 240
PREVIEW_SECONDS = 5
LITTLE = {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"memory": "1Gi"}}
PATIENT = {"warmUpSeconds": 5, "metrics": [{"name": "errors", "tolerance": "0.01"}]}


@dataclass(frozen=True)
class Acted:
    """One deployment under load: its statuses on the way by name, and the load client's counts."""

    statuses: dict[str, dict[str, Any]]
    tally: Tally


def test_blue_green_previews_flips_and_flips_back(told: Told) -> None:
    acted = blue_green(told)
    preview, flipped, back = (acted.statuses[each] for each in ("preview", "flipped", "back"))
    assert preview["stable"]["version"] == 1
    assert preview["canary"]["weight"] == 0
    assert (flipped["stable"]["version"], flipped["previous"]["version"]) == (2, 1)
    assert (back["stable"]["version"], back["previous"]["version"]) == (1, 2)
    assert [each["outcome"] for each in back["history"]] == ["Promoted", "Promoted", "Deployed"]
    assert_none_lost(acted.tally)
    new = preview["canary"]["inferenceService"]
    assert acted.tally.served(new) > RATE, "it had all requests for a while"


def test_no_user_sees_what_a_shadow_answers(shadowed: Acted) -> None:
    copied, bad = shadowed.statuses["copied"], shadowed.statuses["rolled back"]
    assert (copied["canary"]["mirror"], copied["canary"]["weight"]) == (50, 0)
    assert bad["history"][0]["outcome"] == "RolledBack"
    (errors,) = bad["analysis"]["metrics"]
    assert not errors["canary"].startswith("0 of"), "on what the gateway counted of the copies"
    assert shadowed.tally.served(copied["canary"]["inferenceService"]) == 0
    assert {status for answers in shadowed.tally.answers.values() for status in answers} == {200}


def test_a_good_shadow_takes_over(shadowed: Acted) -> None:
    promoted = shadowed.statuses["promoted"]
    assert promoted["stable"]["version"] == 2
    assert_none_lost(shadowed.tally)
    assert shadowed.tally.served(promoted["stable"]["inferenceService"]) > 0


def assert_none_lost(tally: Tally) -> None:
    assert tally.lost_total == 0
    assert tally.finished == tally.sent > 10 * RATE


def blue_green(told: Told) -> Acted:
    """Version 1, then 2 after a preview, then 1 again."""
    kubectl, name, statuses = told.stage.kubectl, "strategies-blue", {}
    strategy = {"blueGreen": {"previewSeconds": PREVIEW_SECONDS}}
    try:
        with serving(told, name, strategy, bake={"seconds": 60}) as traffic:
            pin(kubectl, name, 2)
            statuses["preview"] = status_when(kubectl, name, lambda found: reason(found) == "Preview", "a preview")
            statuses["flipped"] = status_when(kubectl, name, lambda found: serves(found, 2), "the flip")
            more(traffic, statuses["preview"]["canary"]["inferenceService"], 2 * RATE)
            pin(kubectl, name, 1)
            statuses["back"] = status_when(kubectl, name, lambda found: serves(found, 1), "the flip back")
            return Acted(statuses, traffic.stop())
    finally:
        kubectl("delete", "modeldeployment", name, "--ignore-not-found")


@pytest.fixture(scope="module")
def shadowed(told: Told) -> Iterator[Acted]:
    """Version 1 with version 3, which makes mistakes, as its shadow, and then version 2."""
    kubectl, name, statuses = told.stage.kubectl, "strategies-shadow", {}
    try:
        with serving(told, name, {"shadow": {"percent": 50}}, analysis=PATIENT, bake={"seconds": 20}) as traffic:
            pin(kubectl, name, 3)
            statuses["copied"] = status_when(kubectl, name, copies, "copies of requests")
            statuses["rolled back"] = status_when(kubectl, name, stalled, "the rollback of version 3")
            pin(kubectl, name, 2)
            statuses["promoted"] = status_when(kubectl, name, lambda found: serves(found, 2), "the promotion")
            more(traffic, statuses["promoted"]["stable"]["inferenceService"], RATE)
            yield Acted(statuses, traffic.stop())
    finally:
        kubectl("delete", "modeldeployment", name, "--ignore-not-found")


def serving(told: Told, name: str, strategy: dict[str, Any], **spec: Any) -> Traffic:
    """A deployment of its own with version 1, and requests to it."""
    told.stage.kubectl.apply(json.dumps(deployment(name, strategy, spec)))
    status_when(told.stage.kubectl, name, lambda found: serves(found, 1), "version 1")
    load = Load(f"{GATEWAY}/v1/models/{name}:predict", f"{name}.localhost:8080", RATE)
    return Traffic(load, told.stage.rows_file)


def deployment(name: str, strategy: dict[str, Any], spec: dict[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": "perennial.dev/v1alpha1",
        "kind": "ModelDeployment",
        "metadata": {"namespace": "flights", "name": name},
        "spec": {
            "modelName": "flights",
            "version": 1,
            "serving": {"resources": LITTLE},
            "router": {
                "gatewayRef": {"name": "gw", "namespace": "envoy-gateway-system"},
                "hostname": f"{name}.localhost",
            },
            "strategy": strategy,
            **spec,
        },
    }


def pin(kubectl: Kubectl, name: str, version: int) -> None:
    kubectl("patch", "modeldeployment", name, "--type=merge", "-p", json.dumps({"spec": {"version": version}}))


def status_when(kubectl: Kubectl, name: str, right: Any, what: str) -> dict[str, Any]:
    """The status once it is as it should be."""
    seen: list[dict[str, Any]] = []

    def look() -> bool:
        found = kubectl.get("modeldeployment", name) or {}
        status = found.get("status", {})
        if status.get("observedGeneration") == found.get("metadata", {}).get("generation") and right(status):
            seen.append(status)
        return bool(seen)

    until(look, what=f"{name}: {what}", seconds=SECONDS)
    return seen[0]


def said(status: dict[str, Any], kind: str) -> dict[str, str]:
    return next((each for each in status.get("conditions", []) if each["type"] == kind), {})


def reason(status: dict[str, Any]) -> str:
    return said(status, "Reconciling").get("reason", "")


def stalled(status: dict[str, Any]) -> bool:
    return said(status, "Stalled").get("reason") == "RolledBack"


def copies(status: dict[str, Any]) -> bool:
    return bool(status.get("canary", {}).get("mirror"))


def serves(status: dict[str, Any], version: int) -> bool:
    return status.get("stable", {}).get("version") == version and said(status, "UpToDate").get("status") == "True"


def more(traffic: Traffic, service: str, requests: float) -> None:
    """Until a version answered so many more requests."""
    before = traffic.tally().served(service)
    until(lambda: traffic.tally().served(service) >= before + requests, what=f"answers of {service}", seconds=60)
