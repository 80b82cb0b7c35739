"""The apiserver takes the generated definitions as they are meant."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from perennial.api import GROUP, RESOURCES, Resource
from tests.apiserver.crds.test_rules import merged

Kubectl = Callable[..., str]
Object = dict[str, Any]


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda each: each.kind)
class TestDefinition:
    def test_conditions(self, kubectl: Kubectl, resource: Resource) -> None:
        found = json.loads(kubectl("get", f"crd/{resource.plural}.{GROUP}", "-o", "json"))
        conditions = {each["type"]: each["status"] for each in found["status"]["conditions"]}
        assert conditions == {"NamesAccepted": "True", "Established": "True"}, "and no NonStructuralSchema"

    def test_nothing_that_we_publish_is_dropped(self, kubectl: Kubectl, resource: Resource, repository: Any) -> None:
        stored = json.loads(kubectl("get", f"crd/{resource.plural}.{GROUP}", "-o", "json"))["spec"]["versions"]
        written = yaml.safe_load((repository / f"crds/{GROUP}_{resource.plural}.yaml").read_text())["spec"]["versions"]
        assert [each["schema"] for each in stored] == [each["schema"] for each in written]

    def test_explain(self, kubectl: Kubectl, resource: Resource) -> None:
        assert "<no description>" not in kubectl("explain", f"{resource.plural}.spec")
        assert resource.description.split(";")[0] in " ".join(kubectl("explain", resource.plural).split())

    def test_a_good_object_is_taken(self, kinds: Any, good: Callable[[str], Object], resource: Resource) -> None:
        answer = kinds.create(good(resource.kind))
        resource.spec.model_validate(answer["spec"])
        # What the definition gives it: nobody has looked at it yet.
        assert answer.get("status") in (None, {"observedGeneration": -1})


def test_short_names_and_category(kubectl: Kubectl) -> None:
    shown = kubectl("api-resources", f"--api-group={GROUP}", "--categories=perennial", "--no-headers")
    names = {line.split()[0]: line.split()[1] for line in shown.splitlines()}
    assert names == {each.plural: ",".join(each.short_names) for each in RESOURCES}


def test_defaults_reach_through_objects_left_out(kinds: Any, good: Callable[[str], Object]) -> None:
    spec = kinds.create(good("ModelDeployment"))["spec"]
    assert spec["serving"] == {"replicas": 1, "readyDeadlineSeconds": 600}
    assert spec["bake"] == {"seconds": 600, "holdbackPercent": 2}
    assert "strategy" not in spec, "it would stand beside another one that is chosen later"
    chosen = kinds.create(merged(good("ModelDeployment"), {"spec": {"strategy": {"canary": {}}}}))["spec"]["strategy"]
    assert chosen["canary"]["steps"][0] == {"weight": 5}
    assert chosen["canary"]["replicas"] == "Full"
    assert spec["analysis"]["falseRollback"] == "0.01"


def test_what_the_apiserver_fills_in_is_what_python_reads(kinds: Any, good: Callable[[str], Object]) -> None:
    for resource in RESOURCES:
        given = good(resource.kind)
        assert resource.spec.model_validate(kinds.create(given)["spec"]) == resource.spec.model_validate(given["spec"])
