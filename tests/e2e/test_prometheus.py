"""Prometheus stops, loses everything, is restarted and hangs in the middle of a rollout: it holds, and then goes on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from demo.kubectl import Kubectl, until
from demo.load import Load
from demo.traffic import Traffic
from tests.e2e.conftest import CLUSTER, GATEWAY, RATE, Told

NAME = "watched"
SECONDS = 180
PROMETHEUS = ("-n", "monitoring", "deployment/prometheus")
SERVICE = ("-n", "monitoring", "service", "prometheus")
HANGING = "hanging"
# Takes every connection and answers none.
HANG = """
import socket, time
with socket.create_server(("0.0.0.0", 9090)) as server:
    kept = []
    while True:
        kept.append(server.accept())
"""


def test_a_rollout_holds_while_prometheus_is_gone_and_goes_on_after(told: Told) -> None:
    kubectl = told.stage.kubectl
    kubectl.apply(json.dumps(deployment()))
    try:
        until(lambda: serves(kubectl, 1), what="version 1 serves", seconds=SECONDS)
        load = Load(f"{GATEWAY}/v1/models/{NAME}:predict", f"{NAME}.localhost:8080", RATE)
        with Traffic(load, told.stage.rows_file) as traffic:
            patch = json.dumps({"spec": {"version": 2}})
            kubectl("patch", "modeldeployment", NAME, "--type=merge", "-p", patch)
            until(lambda: weight(kubectl) == 10, what="version 2 gets its first share", seconds=SECONDS)
            with stopped(kubectl):
                holds(kubectl, "cannot be reached")
                with hanging(kubectl):
                    holds(kubectl, "it hangs or is overloaded")
            goes_on(kubectl)
            until(lambda: serves(kubectl, 2), what="version 2 takes over", seconds=2 * SECONDS)
            tally = traffic.stop()
        outcomes = [each["outcome"] for each in status(kubectl)["history"]]
        assert outcomes == ["Promoted", "Deployed"]
        assert tally.lost_total == 0
    finally:
        kubectl("delete", "modeldeployment", NAME, "--wait=false")


def holds(kubectl: Kubectl, words: str) -> None:
    """It waits where it is, and says why."""
    until(lambda: words in reconciling(kubectl), what=f"it says that {words}", seconds=SECONDS)
    assert "never counts against a model" in reconciling(kubectl)
    assert weight(kubectl) == 10


def goes_on(kubectl: Kubectl) -> None:
    """Prometheus began with nothing, and what it has since is counted."""
    until(lambda: "never count" not in reconciling(kubectl), what="it counts again", seconds=SECONDS)
    assert weight(kubectl) == 10


def status(kubectl: Kubectl) -> dict[str, Any]:
    found: dict[str, Any] = (kubectl.get("modeldeployment", NAME) or {}).get("status", {})
    return found


def reconciling(kubectl: Kubectl) -> str:
    return next(
        (each["message"] for each in status(kubectl).get("conditions", []) if each["type"] == "Reconciling"), ""
    )


def weight(kubectl: Kubectl) -> int:
    return int(status(kubectl).get("canary", {}).get("weight", -1))


def serves(kubectl: Kubectl, version: int) -> bool:
    now = status(kubectl)
    return now.get("stable", {}).get("version") == version and "canary" not in now


@contextmanager
def stopped(kubectl: Kubectl) -> Iterator[None]:
    """No Prometheus; the next one begins with an empty disk."""
    kubectl("scale", *PROMETHEUS, "--replicas=0")
    try:
        yield
    finally:
        kubectl("scale", *PROMETHEUS, "--replicas=1")
        kubectl("rollout", "status", *PROMETHEUS, "--timeout=90s")


@contextmanager
def hanging(kubectl: Kubectl) -> Iterator[None]:
    """Behind Prometheus' address is a server that takes connections and answers none."""
    kubectl("apply", "-n", "monitoring", "-f", "-", given=json.dumps(hanging_pod()))
    kubectl("wait", "-n", "monitoring", f"pod/{HANGING}", "--for=condition=Ready", "--timeout=60s")
    try:
        select(kubectl, HANGING)
        yield
    finally:
        select(kubectl, "prometheus")
        kubectl("delete", "pod", "-n", "monitoring", HANGING, "--now")


def select(kubectl: Kubectl, name: str) -> None:
    selector = {"spec": {"selector": {"app.kubernetes.io/name": name}}}
    kubectl("patch", *SERVICE, "--type=merge", "-p", json.dumps(selector))


def hanging_pod() -> dict[str, Any]:
    container = {
        "name": "python",
        "image": CLUSTER.image("operator"),
        "command": ["python3", "-c", HANG],
        "ports": [{"name": "http", "containerPort": 9090}],
        "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}},
    }
    labels = {"app.kubernetes.io/name": HANGING}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"namespace": "monitoring", "name": HANGING, "labels": labels},
        "spec": {"automountServiceAccountToken": False, "containers": [container]},
    }


def deployment() -> dict[str, Any]:
    return {
        "apiVersion": "perennial.dev/v1alpha1",
        "kind": "ModelDeployment",
        "metadata": {"namespace": "flights", "name": NAME},
        "spec": {
            "modelName": "flights",
            "version": 1,
            "serving": {"resources": {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"memory": "1Gi"}}},
            "router": {
                "gatewayRef": {"name": "gw", "namespace": "envoy-gateway-system"},
                "hostname": f"{NAME}.localhost",
            },
            # Long enough for all that happens meanwhile.
            "strategy": {"canary": {"steps": [{"weight": 10, "minSeconds": 60}, {"weight": 50}]}},
            "analysis": {"warmUpSeconds": 10, "metrics": [{"name": "errors", "tolerance": "0.01"}]},
            "bake": {"seconds": 0},
            "scaleDownSeconds": 0,
        },
    }
