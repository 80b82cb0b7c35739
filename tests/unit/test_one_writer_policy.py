"""manifests/base/fence.yaml and clusterrole.yaml say the same: whatever the operator may write is fenced."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from perennial.core.leader import FORMER, LEASE_NAME
from perennial.ports.kube_errors import FENCE

BASE = Path(__file__).parents[2] / "manifests" / "base"
WRITES = {"create", "update", "patch", "delete", "deletecollection"}


def objects(name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((BASE / name).read_text()))


def pairs(rules: list[dict[str, Any]]) -> set[tuple[str, str]]:
    return {(group, resource) for rule in rules for group in rule["apiGroups"] for resource in rule["resources"]}


def test_everything_that_the_operator_may_write_is_fenced() -> None:
    roles = [each for each in objects("clusterrole.yaml") if each["kind"] == "ClusterRole"]
    operators = next(each for each in roles if each["metadata"]["name"] == "perennial-operator")
    writable = pairs([rule for rule in operators["rules"] if WRITES & set(rule["verbs"])])
    policy, binding = objects("fence.yaml")
    assert pairs(policy["spec"]["matchConstraints"]["resourceRules"]) == writable
    assert (policy["metadata"]["name"], binding["spec"]["policyName"]) == (FENCE, FENCE)
    assert binding["spec"]["paramRef"]["name"] == LEASE_NAME
    assert FORMER in str(policy["spec"]["variables"])


def test_the_fence_stands_in_nobodys_way() -> None:
    policy, binding = objects("fence.yaml")
    assert policy["spec"]["failurePolicy"] == "Ignore"
    assert binding["spec"]["paramRef"]["parameterNotFoundAction"] == "Allow"
