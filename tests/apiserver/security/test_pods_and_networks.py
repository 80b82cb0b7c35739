"""Restricted pod security where Perennial works, and the network policies that we offer."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from perennial.ports.kinds import JOB, SERVING_RUNTIME
from perennial.ports.kube import KubeClient
from tests.apiserver.installation import ROOT, manifests
from tests.apiserver.security import cluster, mainjob
from tests.apiserver.support import Kubectl

ENFORCE = "pod-security.kubernetes.io/enforce"
FOLDERS = ("manifests/base", "manifests/overlays", "examples")
POLICIES = ROOT / "manifests/components/network-policies/operator.yaml"
SAMPLE = ROOT / "manifests/samples/network-policies.yaml"


def namespaces() -> list[dict[str, Any]]:
    """Every Namespace that we ship."""
    files = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*.yaml")]
    return [obj for path in files for obj in cluster.objects(path.read_text()) if obj.get("kind") == "Namespace"]


def test_every_namespace_of_ours_enforces_the_restricted_standard() -> None:
    found = namespaces()
    assert {"perennial-system", "flights"} <= {each["metadata"]["name"] for each in found}
    assert {each["metadata"]["labels"][ENFORCE] for each in found} == {"restricted"}


async def test_all_pods_that_we_make_are_let_in(
    secured: Kubectl, admin: KubeClient, operator: KubeClient, namespace: str
) -> None:
    """Pods of every Job of the main job, and the servers as their runtimes say; KServe's part is shown end to end."""
    pods: dict[str, dict[str, Any]] = {}

    async def look(*_: object) -> None:
        for kind in (JOB, SERVING_RUNTIME):
            for each in await admin.list(kind, namespace):
                spec = each["spec"]["template"]["spec"] if kind is JOB else _served(each["spec"])
                pods[spec["containers"][0]["name"]] = spec

    job = mainjob.MainJob(admin, operator, namespace, look)
    for part in (job.train, job.verify, job.deploy):
        await part()
    assert {"train", "verify", "preflight", "kserve-container"} == set(pods)
    secured("create", "namespace", f"{namespace}-restricted")
    secured("label", "namespace", f"{namespace}-restricted", f"{ENFORCE}=restricted")
    for name, spec in pods.items():
        metadata = {"name": name, "namespace": f"{namespace}-restricted"}
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
        secured("create", "--dry-run=server", "-f", "-", stdin=yaml.safe_dump(pod))
        del pod["spec"]["containers"][0]["securityContext"]
        with pytest.raises(AssertionError, match="violates PodSecurity"):
            secured("create", "--dry-run=server", "-f", "-", stdin=yaml.safe_dump(pod))


def _served(runtime: dict[str, Any]) -> dict[str, Any]:
    """The part of a ServingRuntime that is a pod's."""
    return {key: runtime[key] for key in ("containers", "volumes", "securityContext") if key in runtime}


@pytest.mark.parametrize("path", [POLICIES, SAMPLE], ids=lambda path: path.parent.name)
def test_network_policies_are_accepted(secured: Kubectl, path: Path) -> None:
    made = cluster.objects(path.read_text())
    for each in made:
        each["metadata"]["namespace"] = "default"  # the sample's own is yours to make
    answer = secured("apply", "--server-side", "--dry-run=server", "-f", "-", stdin=yaml.safe_dump_all(made))
    assert answer.count("networkpolicy") == len(made)


def test_the_component_selects_the_operator_and_lets_it_ask_what_it_asks(secured: Kubectl) -> None:
    """Of the ports only: that a network enforces them is not shown here."""
    (policy,) = cluster.objects(POLICIES.read_text())
    found = cluster.objects(manifests(secured, "devcluster"))
    (deployment,) = (each for each in found if each["kind"] == "Deployment")
    template = deployment["spec"]["template"]
    assert policy["spec"]["podSelector"]["matchLabels"].items() <= template["metadata"]["labels"].items()
    (inside,) = (port for rule in policy["spec"]["ingress"] for port in rule["ports"])
    assert inside["port"] in {port["name"] for port in template["spec"]["containers"][0]["ports"]}
    ports = {port["port"] for rule in policy["spec"]["egress"] for port in rule["ports"]}
    assert ports == {53, 443, 6443, 9090}


def test_the_component_is_one_line_in_an_overlay(secured: Kubectl, tmp_path: Path) -> None:
    copied = tmp_path / "manifests"
    for folder in ("manifests", "crds"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    overlay = copied / "overlays/devcluster/kustomization.yaml"
    overlay.write_text(overlay.read_text() + "components: [../../components/network-policies]\n")
    assert "kind: NetworkPolicy" in secured("kustomize", str(overlay.parent))
