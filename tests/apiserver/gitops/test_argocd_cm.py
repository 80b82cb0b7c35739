"""The patch of Argo CD's ConfigMap, applied as docs/gitops.md says and as a component of kustomize."""

from __future__ import annotations

import json
from pathlib import Path

import yaml

from tests.apiserver.support import Kubectl
from tests.unit.argocd.argo import CUSTOMIZATIONS, ROOT, Actions

KINDS = ("TrainingRun", "ModelVersion", "ModelDeployment")
THEIRS = {"url": "https://argocd.example.com"}
CONFIG_MAP = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "argocd-cm", "namespace": "argocd"}}


def test_only_our_own_keys_are_written(kubectl: Kubectl) -> None:
    kubectl("create", "namespace", "argocd")
    kubectl("apply", "-f", "-", stdin=json.dumps({**CONFIG_MAP, "data": THEIRS}))
    ours = kubectl("kustomize", str(ROOT / "manifests/argocd"))
    kubectl("-n", "argocd", "patch", "configmap", "argocd-cm", "--type=merge", "--patch", ours)
    data = json.loads(kubectl("-n", "argocd", "get", "configmap", "argocd-cm", "-o", "json"))["data"]
    check(data)
    # Argo CD's own installation goes on applying its ConfigMap.
    kubectl("apply", "-f", "-", stdin=json.dumps({**CONFIG_MAP, "data": THEIRS}))
    assert json.loads(kubectl("-n", "argocd", "get", "configmap", "argocd-cm", "-o", "json"))["data"] == data


def test_as_a_component(kubectl: Kubectl) -> None:
    folder = ROOT / "manifests/argocd"
    with_component = {"resources": ["argocd-cm.yaml"], "components": ["customizations"]}
    assert yaml.safe_load((folder / "kustomization.yaml").read_text()).items() >= with_component.items()
    (found,) = yaml.safe_load_all(kubectl("kustomize", str(folder)))
    check({**found["data"], **THEIRS})
    assert found["metadata"]["name"] == "argocd-cm"
    assert found["metadata"]["namespace"] == "argocd"


def check(data: dict[str, str]) -> None:
    health = (CUSTOMIZATIONS / "health.lua").read_text()
    customizations = {f"resource.customizations.health.perennial.dev_{kind}": health for kind in KINDS}
    actions = "resource.customizations.actions.perennial.dev_ModelDeployment"
    assert {key: value for key, value in data.items() if key != actions} == {**customizations, **THEIRS}
    assert Actions(data[actions]).names == {"promote", "reject", "retry", "pause", "resume"}
    scripts = Path(CUSTOMIZATIONS / "actions/ModelDeployment")
    for each in yaml.safe_load(data[actions])["definitions"]:
        assert each["action.lua"] == (scripts / f"{each['name']}.lua").read_text()
