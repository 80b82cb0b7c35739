"""The kubeconfig's cluster: what is missing is said, Perennial is put on it, and only Perennial is removed."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable

import pytest
import yaml

from clusters.needs import ENVOY_GATEWAY, GATEWAY_API, KSERVE
from perennial.ports.kinds import Kind
from tests.apiserver.clusters.conftest import Desk, play_controllers
from tests.apiserver.foreign import FOREIGN_DEFINITIONS, definition
from tests.apiserver.support import Kubectl

IMAGES = {"PERENNIAL_OPERATOR_IMAGE": "registry.example:5000/operator:1", "PERENNIAL_TRAINER_IMAGE": "r.example/t:1"}
SYSTEM = "perennial-system"
ENVOY_PROXY = Kind("gateway.envoyproxy.io", "v1alpha1", "envoyproxies", "EnvoyProxy")
GATEWAY = """
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: gw, namespace: default}
spec: {gatewayClassName: any, listeners: [{name: http, port: 80, protocol: HTTP}]}
---
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: EnvoyProxy
metadata: {name: any, namespace: default}
spec: {mergeBackends: {}}
"""
RUN = """
apiVersion: perennial.dev/v1alpha1
kind: TrainingRun
metadata: {name: kept, namespace: default}
spec:
  modelName: m
  data: {uri: "pvc://data/file.csv"}
  trainer: {estimator: {name: LogisticRegression, target: late, numeric: [x]}}
  evaluation: {holdoutPercent: 20, metrics: [roc_auc]}
  output: {storageUri: "pvc://models"}
"""


@pytest.fixture
def machine(desk: Desk, empty: Kubectl) -> Desk:
    """A machine whose kubeconfig means the apiserver."""
    desk.put("kubectl", empty.command)
    desk.environment.update(PERENNIAL_CLUSTER="current", KUBECONFIG=str(empty.kubeconfig))
    return desk


def finishing(kubectl: Kubectl) -> Callable[[], None]:
    """Finishes the deletion of the operator's namespace, as the namespace controller does."""
    command = [*kubectl.command, f"--kubeconfig={kubectl.kubeconfig}"]

    def finish() -> None:
        found = subprocess.run([*command, "get", "namespace", SYSTEM, "-o", "json"], capture_output=True, text=True)
        if found.returncode or "deletionTimestamp" not in (namespace := json.loads(found.stdout))["metadata"]:
            return
        path = f"/api/v1/namespaces/{SYSTEM}/finalize"
        emptied = json.dumps(namespace | {"spec": {"finalizers": []}})
        subprocess.run([*command, "replace", "--raw", path, "-f", "-"], input=emptied, text=True, capture_output=True)

    return finish


def test_it_is_checked_installed_and_only_perennial_is_removed(machine: Desk, empty: Kubectl) -> None:
    code, said = machine.run("up")
    assert code == 1
    assert [name for name in (*KSERVE, *GATEWAY_API, "PERENNIAL_PROMETHEUS_URL") if name not in said] == []

    machine.environment["PERENNIAL_PROMETHEUS_URL"] = "http://10.0.0.1:9090"
    everything_that_is_needed(empty)
    code, said = machine.run("up")
    assert (code, "has what Perennial needs" in said) == (0, True), said

    code, said = machine.run("manifests")
    assert (code, said.count("\n")) == (1, 1), said
    assert "PERENNIAL_OPERATOR_IMAGE" in said

    install(machine, empty)
    empty("apply", "-f", "-", stdin=RUN)
    code, said = machine.run("down", during=finishing(empty))
    assert code == 0, said
    assert "default/TrainingRun/kept" in said
    assert empty("get", "trainingrun", "kept", "-o", "name").strip() == "trainingrun.perennial.dev/kept"
    assert left(empty) == []

    empty("delete", "trainingrun", "kept")
    code, said = machine.run("down", during=finishing(empty))
    assert code == 0, said
    names = empty("get", "crd", "-o", "name")
    assert "perennial.dev" not in names
    assert [name for name in (*KSERVE, *GATEWAY_API, ENVOY_GATEWAY) if name not in names] == []
    assert empty("get", "gateway", "gw", "-o", "name").strip()


def everything_that_is_needed(kubectl: Kubectl) -> None:
    envoy_proxies = yaml.safe_dump(definition(ENVOY_PROXY))
    kubectl("apply", "--server-side", "-f", "-", stdin=f"{FOREIGN_DEFINITIONS}---\n{envoy_proxies}")
    kubectl.wait_for_definitions()
    kubectl("apply", "-f", "-", stdin=GATEWAY)
    play_controllers(kubectl)


def install(machine: Desk, kubectl: Kubectl) -> None:
    machine.environment.update(IMAGES)
    code, manifests = machine.run("manifests")
    assert code == 0, manifests
    kubectl("create", "namespace", SYSTEM)
    kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=manifests)
    kubectl.wait_for_definitions()
    deployment = json.loads(kubectl("-n", SYSTEM, "get", "deployment", "perennial-operator", "-o", "json"))
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert container["image"] == IMAGES["PERENNIAL_OPERATOR_IMAGE"]
    (settings,) = json.loads(kubectl("-n", SYSTEM, "get", "configmaps", "-o", "json"))["items"]
    assert settings["data"]["PERENNIAL_TRAINER_IMAGE"] == IMAGES["PERENNIAL_TRAINER_IMAGE"]
    assert settings["data"]["PERENNIAL_PROMETHEUS_URL"] == "http://10.0.0.1:9090"


def left(kubectl: Kubectl) -> list[str]:
    """What of the installation is still there, but for the definitions."""
    kinds = "clusterroles,clusterrolebindings,namespaces"
    return [name for name in kubectl("get", kinds, "-o", "name").split() if "perennial" in name]


def test_a_cluster_that_does_not_answer_is_one_sentence(machine: Desk, empty: Kubectl) -> None:
    config = machine.folder / "kubeconfig"
    config.write_text(re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:1", empty.kubeconfig.read_text()))
    machine.environment["KUBECONFIG"] = str(config)
    code, said = machine.run("up")
    assert code == 1
    assert "does not answer" in said
    assert len(said.splitlines()) == 1
