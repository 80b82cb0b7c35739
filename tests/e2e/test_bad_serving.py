"""What only a real kubelet, KServe, gateway and Prometheus show: all of it at once, beside versions that go on serving.

Each bad thing happens to a ModelDeployment of its own, whose version 1 is asked all the time and misses no answer.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from demo.kubectl import Kubectl, KubectlError, until
from demo.load import Load
from demo.tally import Tally
from demo.traffic import Traffic
from tests.e2e.conftest import CLUSTER, GATEWAY, Told

RATE = 4.0
SECONDS = 180
DEADLINE = 20
SOON = {"readyDeadlineSeconds": DEADLINE}
NO_SHARE = ("None", "0")
LITTLE = {"requests": {"cpu": "20m", "memory": "64Mi"}, "limits": {"memory": "1Gi"}}
PROMETHEUS = ("-n", "monitoring", "deployment/prometheus")
# What is wrong, and what the spec of the next revision says then.
BAD: dict[str, dict[str, Any]] = {
    "bad-image": {"serving": {"image": "localhost/there-is-no-such-image:1", **SOON}},
    "bad-ends": {"serving": {"image": CLUSTER.image("operator")}},
    "bad-memory": {"serving": {"resources": {"requests": {"memory": "16Mi"}, "limits": {"memory": "32Mi"}}}},
    "bad-slow": {"serving": {"resources": {"requests": {"cpu": "5m"}, "limits": {"cpu": "5m"}}, **SOON}},
    "bad-bytes": {"version": 3},
    "bad-metrics": {"version": 2},
}


@dataclass(frozen=True)
class Bad:
    """The ModelDeployments, as things went wrong and after they were mended; `tallies` are the load clients' counts."""

    wrong: dict[str, dict[str, tuple[str, str, str]]]
    mended: dict[str, dict[str, tuple[str, str, str]]]
    tallies: dict[str, Tally]


def test_an_image_that_does_not_exist(bad: Bad) -> None:
    assert_rolled_back(bad, "bad-image", "its image")


def test_a_canary_that_keeps_ending(bad: Bad) -> None:
    assert_rolled_back(bad, "bad-ends", "its pod ended 2 times: exit code 2")


def test_a_canary_that_is_out_of_memory(bad: Bad) -> None:
    assert_rolled_back(bad, "bad-memory", "raise serving.resources.limits.memory")


def test_a_canary_that_is_never_ready(bad: Bad) -> None:
    assert_rolled_back(bad, "bad-slow", f"was not ready within {DEADLINE} s")


def test_an_artifact_whose_bytes_changed(bad: Bad) -> None:
    assert_rolled_back(bad, "bad-bytes", "The artifact is not the one that was registered")


def test_a_prometheus_that_is_away(bad: Bad) -> None:
    status, reason, message = bad.wrong["bad-metrics"]["Reconciling"]
    assert (status, reason) == ("True", "MetricsUnavailable")
    assert message.startswith("Prometheus at ")
    assert "never counts against a model" in message
    assert bad.mended["bad-metrics"]["canary"][1] not in NO_SHARE, "with Prometheus back it gets its first share"
    assert_served(bad, "bad-metrics")


def test_a_gateway_whose_class_has_no_controller(bad: Bad) -> None:
    status, reason, message = bad.wrong["bad-gateway"]["GatewayReady"]
    assert (status, reason) == ("False", "GatewayNotReady")
    assert "GatewayClass nobody" in message
    assert bad.mended["bad-gateway"]["Ready"][:2] == ("True", "Serving")


def test_backends_that_are_not_merged(bad: Bad) -> None:
    status, reason, message = bad.wrong["bad-slow"]["GatewayReady"]
    assert (status, reason) == ("False", "BackendsNotMerged")
    assert "BackendTrafficPolicy" in message
    assert bad.mended["bad-slow"]["GatewayReady"][:2] == ("True", "RouteAccepted")


def assert_rolled_back(bad: Bad, name: str, words: str) -> None:
    status, reason, message = bad.wrong[name]["Stalled"]
    assert (status, reason) == ("True", "RolledBack")
    assert words in message
    assert_served(bad, name)


def assert_served(bad: Bad, name: str) -> None:
    assert bad.wrong[name]["Ready"][:2] == ("True", "Serving")
    tally = bad.tallies[name]
    assert tally.lost_total == 0
    assert tally.finished == tally.sent > 50
    assert {status for answers in tally.answers.values() for status in answers} == {200}


@pytest.fixture(scope="module")
def bad(told: Told) -> Iterator[Bad]:
    """Everything goes wrong at once, is looked at, and is mended."""
    kubectl = told.stage.kubectl
    with ExitStack() as stack:
        stack.callback(remove, kubectl)
        for name in BAD:
            kubectl.apply(json.dumps(deployment(name)))
        kubectl.apply(json.dumps(nobodys_gateway()))
        kubectl.apply(json.dumps(deployment("bad-gateway", gateway={"name": "nobody"})))
        for name in BAD:
            wait(kubectl, name, "UpToDate", "True")
        loads = {name: stack.enter_context(traffic(told, name)) for name in BAD}
        stack.enter_context(changed_bytes(kubectl))
        prometheus = stack.enter_context(without_prometheus(kubectl))
        for name, change in BAD.items():
            kubectl("patch", "modeldeployment", name, "--type=merge", "-p", json.dumps({"spec": change}))
        for name in set(BAD) - {"bad-metrics"}:
            wait(kubectl, name, "Stalled", "True")
        wait(kubectl, "bad-metrics", "Reconciling", "True", "MetricsUnavailable")
        wait(kubectl, "bad-gateway", "GatewayReady", "False", "GatewayNotReady")
        wrong = {name: look(kubectl, name) for name in (*BAD, "bad-gateway")}
        prometheus.close()
        mend_gateway(kubectl)
        tallies = {name: load.stop() for name, load in loads.items() if name != "bad-metrics"}
        with unmerged(kubectl, "bad-slow"):
            wait(kubectl, "bad-slow", "GatewayReady", "False", "BackendsNotMerged")
            wrong["bad-slow"]["GatewayReady"] = look(kubectl, "bad-slow")["GatewayReady"]
        until(lambda: look(kubectl, "bad-metrics")["canary"][1] not in NO_SHARE, what="a share", seconds=SECONDS)
        tallies["bad-metrics"] = loads["bad-metrics"].stop()
        wait(kubectl, "bad-slow", "GatewayReady", "True")
        wait(kubectl, "bad-gateway", "Ready", "True")
        yield Bad(wrong, {name: look(kubectl, name) for name in (*BAD, "bad-gateway")}, tallies)


def deployment(name: str, gateway: dict[str, str] | None = None) -> dict[str, Any]:
    """Version 1 behind a host name of its own, with little of everything."""
    router = {"gatewayRef": gateway or {"name": "gw", "namespace": "envoy-gateway-system"}}
    return {
        "apiVersion": "perennial.dev/v1alpha1",
        "kind": "ModelDeployment",
        "metadata": {"namespace": "flights", "name": name},
        "spec": {
            "modelName": "flights",
            "version": 1,
            "serving": {"resources": LITTLE},
            "router": {**router, "hostname": f"{name}.localhost"},
            "strategy": {"canary": {"steps": [{"weight": 10}, {"weight": 50}]}},
            "analysis": {"warmUpSeconds": 5},
            "scaleDownSeconds": 0,
        },
    }


def traffic(told: Told, name: str) -> Traffic:
    load = Load(f"{GATEWAY}/v1/models/{name}:predict", f"{name}.localhost:8080", RATE)
    return Traffic(load, told.stage.rows_file)


def look(kubectl: Kubectl, name: str) -> dict[str, tuple[str, str, str]]:
    """Conditions by type as status, reason and message; and `canary` as its version, its weight and nothing."""
    status = (kubectl.get("modeldeployment", name) or {}).get("status", {})
    said = {each["type"]: (each["status"], each["reason"], each["message"]) for each in status.get("conditions", [])}
    canary = status.get("canary", {})
    return {**said, "canary": (str(canary.get("version")), str(canary.get("weight")), "")}


def wait(kubectl: Kubectl, name: str, type_: str, status: str, reason: str = "") -> None:
    def told() -> bool:
        found = look(kubectl, name).get(type_, ("", "", ""))
        return found[0] == status and reason in (found[1], "")

    try:
        until(told, what=f"{name}: {type_}={status} {reason}", seconds=SECONDS)
    except Exception as error:
        raise AssertionError(f"{error}: {look(kubectl, name)}") from error


# What is done to the cluster, and undone.


def nobodys_gateway() -> dict[str, Any]:
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "Gateway",
        "metadata": {"namespace": "flights", "name": "nobody"},
        "spec": {"gatewayClassName": "nobody", "listeners": [{"name": "http", "port": 8080, "protocol": "HTTP"}]},
    }


def mend_gateway(kubectl: Kubectl) -> None:
    reference = {"name": "gw", "namespace": "envoy-gateway-system"}
    patch = json.dumps({"spec": {"router": {"gatewayRef": reference}}})
    kubectl("patch", "modeldeployment", "bad-gateway", "--type=merge", "-p", patch)


@contextmanager
def without_prometheus(kubectl: Kubectl) -> Iterator[ExitStack]:
    """Prometheus is away until the stack is closed; it then begins with nothing, and is awaited."""

    def back() -> None:
        kubectl("scale", *PROMETHEUS, "--replicas=1")
        kubectl("rollout", "status", *PROMETHEUS, "--timeout=90s")

    with ExitStack() as away:
        away.callback(back)
        kubectl("scale", *PROMETHEUS, "--replicas=0")
        yield away


@contextmanager
def unmerged(kubectl: Kubectl, route: str) -> Iterator[None]:
    """A policy on the route, by which Envoy Gateway no longer merges its backends."""
    target = {"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "name": route}
    policy = {
        "apiVersion": "gateway.envoyproxy.io/v1alpha1",
        "kind": "BackendTrafficPolicy",
        "metadata": {"namespace": "flights", "name": route},
        "spec": {"targetRefs": [target], "timeout": {"http": {"requestTimeout": "20s"}}},
    }
    kubectl.apply(json.dumps(policy))
    try:
        yield
    finally:
        kubectl("delete", "backendtrafficpolicy", route)


@contextmanager
def changed_bytes(kubectl: Kubectl) -> Iterator[None]:
    """Version 3's model has one byte more than it was registered with."""
    spec = (kubectl.get("modelversion", "flights-3") or {})["spec"]
    claim, _, path = spec["artifact"]["uri"].removeprefix("pvc://").partition("/")
    file = f"/artifact/{path}/model.skops"
    run(kubectl, "longer", claim, f"open({file!r}, 'ab').write(b'x')")
    try:
        yield
    finally:
        run(kubectl, "as-before", claim, f"f = open({file!r}, 'r+b'); f.truncate(f.seek(-1, 2))")


def run(kubectl: Kubectl, name: str, claim: str, code: str) -> None:
    """Python in a pod that may write to the claim."""
    container = {
        "name": "python",
        "image": CLUSTER.image("trainer"),
        "command": ["python3", "-c", code],
        "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        "volumeMounts": [{"name": "claim", "mountPath": "/artifact"}],
    }
    pod = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "securityContext": {"runAsNonRoot": True, "fsGroup": 65532, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [container],
        "volumes": [{"name": "claim", "persistentVolumeClaim": {"claimName": claim}}],
    }
    head = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"namespace": "flights", "name": name}}
    kubectl.apply(json.dumps({**head, "spec": {"backoffLimit": 0, "template": {"spec": pod}}}))
    kubectl("wait", "--for=condition=Complete", f"job/{name}", "--timeout=60s")
    kubectl("delete", "job", name)


def remove(kubectl: Kubectl) -> None:
    for name in (*BAD, "bad-gateway"):
        kubectl("delete", "modeldeployment", name, "--ignore-not-found")
    kubectl("delete", "gateway", "nobody", "--ignore-not-found")
    until(lambda: not _left(kubectl), what="nothing of it is left", seconds=SECONDS)


def _left(kubectl: Kubectl) -> list[str]:
    try:
        names = kubectl("get", "inferenceservices,httproutes,pods", "-o", "name").split()
    except KubectlError:
        return ["?"]
    return [name for name in names if "/bad-" in name]
