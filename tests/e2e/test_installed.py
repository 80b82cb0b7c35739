"""What people find right after the installation."""

from __future__ import annotations

import json

import pytest

from demo.kubectl import Kubectl
from demo.stage import Stage

KINDS = ("trainingruns", "modelversions", "modeldeployments")


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_is_explained(kubectl: Kubectl, kind: str) -> None:
    told = kubectl("explain", f"{kind}.spec", "--recursive=false")
    assert "DESCRIPTION:" in told
    assert "<no description>" not in told


@pytest.mark.parametrize(
    ("field", "word"),
    [
        ("trainingruns.spec.trainer.estimator.unknownCategories", "training data lacked"),
        ("modelversions.spec.approval.decision", "Approved"),
        ("modeldeployments.spec.strategy.canary.steps.weight", "percent"),
    ],
)
def test_explain_says_what_a_field_does(kubectl: Kubectl, field: str, word: str) -> None:
    assert word in kubectl("explain", field)


def test_the_operator_runs_and_is_ready(kubectl: Kubectl) -> None:
    kubectl("-n", "perennial-system", "wait", "--for=condition=Available", "deployment", "--all", "--timeout=60s")


def test_the_clusters_own_roles_carry_ours(kubectl: Kubectl) -> None:
    """The controller-manager joins what the labels of manifests/base/people.yaml say."""

    def verbs(role: str) -> set[str]:
        rules = json.loads(kubectl("get", "clusterrole", role, "-o", "json"))["rules"]
        ours = [rule for rule in rules if "perennial.dev" in rule["apiGroups"]]
        assert not [rule for rule in ours if any("/" in resource for resource in rule["resources"])]
        return {verb for rule in ours for verb in rule["verbs"]}

    looking = {"get", "list", "watch"}
    changing = looking | {"create", "update", "patch", "delete", "deletecollection"}
    assert (verbs("view"), verbs("edit"), verbs("admin")) == (looking, changing, changing | {"approve"})


def test_the_flights_namespace_lets_in_restricted_pods_only(stage: Stage) -> None:
    labels = json.loads(stage.kubectl("get", "namespace", stage.kubectl.namespace, "-o", "json"))["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
