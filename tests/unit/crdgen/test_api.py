"""The published schemas of our own kinds, as people meet them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from perennial.api import RESOURCES, Resource
from perennial.crdgen.crd import root_schema

Schema = dict[str, Any]


def nodes(schema: Schema, path: str) -> Iterator[tuple[str, Schema]]:
    """Every node below ``schema``, with its path."""
    yield path, schema
    for name, field in schema.get("properties", {}).items():
        yield from nodes(field, f"{path}.{name}")
    for key in ("items", "additionalProperties"):
        if key in schema:
            yield from nodes(schema[key], f"{path}.{key}")


def parts(resource: Resource) -> Iterator[tuple[str, Schema]]:
    properties = root_schema(resource)["properties"]
    for part in ("spec", "status"):
        yield from nodes(properties[part], f"{resource.kind}.{part}")


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda each: each.kind)
class TestPublished:
    def test_every_field_has_a_sentence_for_kubectl_explain(self, resource: Resource) -> None:
        for path, node in parts(resource):
            for name, field in node.get("properties", {}).items():
                assert field["description"].endswith("."), f"{path}.{name}: {field['description']}"

    def test_every_node_is_structural(self, resource: Resource) -> None:
        foreign = {"$ref", "anyOf", "oneOf", "allOf", "not", "title", "nullable", "const", "uniqueItems"}
        for path, node in parts(resource):
            assert not foreign & set(node), path
            typed = "type" in node or "x-kubernetes-int-or-string" in node
            assert typed or "x-kubernetes-preserve-unknown-fields" in node, path
            assert not {"properties", "additionalProperties"} <= set(node), path

    def test_no_number_is_a_float(self, resource: Resource) -> None:
        for path, node in parts(resource):
            assert node.get("type") != "number", path

    def test_a_status_has_no_default(self, resource: Resource) -> None:
        for path, node in parts(resource):
            assert ".status." not in path or "default" not in node, path

    def test_nobody_takes_a_new_object_for_a_finished_one(self, resource: Resource) -> None:
        assert root_schema(resource)["properties"]["status"]["default"] == {"observedGeneration": -1}

    def test_no_item_of_a_list_has_a_default(self, resource: Resource) -> None:
        # Lists are owned whole: with defaults in it, two tools that apply the same YAML server-side would conflict.
        for path, node in parts(resource):
            assert ".items" not in path or "default" not in node, path

    def test_conditions_are_a_list_by_type(self, resource: Resource) -> None:
        conditions = root_schema(resource)["properties"]["status"]["properties"]["conditions"]
        assert conditions["x-kubernetes-list-type"] == "map"
        assert conditions["x-kubernetes-list-map-keys"] == ["type"]

    def test_short_names_do_not_shadow_those_of_kubernetes(self, resource: Resource) -> None:
        assert not {"ds", "mv", "deploy", "rs", "sts", "svc"} & set(resource.short_names)
