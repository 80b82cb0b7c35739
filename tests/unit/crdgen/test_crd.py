"""The definition around the schema: names, columns, rules of the whole object."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from pydantic import Field

from perennial.api.base import ApiModel, Column, Resource, Rule
from perennial.api.conditions import Conditions
from perennial.crdgen import SchemaError, custom_resource_definition
from perennial.crdgen.columns import MOST_SHOWN


class ThingSpec(ApiModel):
    """What a thing should be."""

    size: int = Field(1, ge=0, description="How large it is.")
    labels: dict[str, int] = Field(default_factory=dict, max_length=3, description="Numbers by name.")


class ThingStatus(ApiModel):
    """What a thing is."""

    conditions: Conditions = Field(default_factory=list)


READY = '.status.conditions[?(@.type=="Ready")].status'
THING = Resource(
    kind="Thing",
    plural="things",
    short_names=("th",),
    description="A thing.",
    spec=ThingSpec,
    status=ThingStatus,
    columns=(Column("Size", ".spec.size", "integer"), Column("Ready", READY)),
)


def version_of(resource: Resource) -> dict[str, Any]:
    version: dict[str, Any] = custom_resource_definition(resource)["spec"]["versions"][0]
    return version


def schema_of(resource: Resource) -> dict[str, Any]:
    schema: dict[str, Any] = version_of(resource)["schema"]["openAPIV3Schema"]
    return schema


def test_names() -> None:
    found = custom_resource_definition(THING)
    assert found["metadata"] == {"name": "things.perennial.dev"}
    assert found["spec"]["group"] == "perennial.dev"
    assert found["spec"]["scope"] == "Namespaced"
    assert found["spec"]["names"] == {
        "kind": "Thing",
        "listKind": "ThingList",
        "singular": "thing",
        "plural": "things",
        "shortNames": ["th"],
        "categories": ["perennial"],
    }


def test_version() -> None:
    found = version_of(THING)
    assert (found["name"], found["served"], found["storage"]) == ("v1alpha1", True, True)
    assert found["subresources"] == {"status": {}}


def test_root() -> None:
    schema = schema_of(THING)
    assert list(schema["properties"]) == ["apiVersion", "kind", "metadata", "spec", "status"]
    assert schema["description"] == "A thing."
    assert schema["required"] == ["spec"]
    assert schema["properties"]["metadata"] == {"type": "object"}
    assert schema["properties"]["spec"]["description"] == "What a thing should be."
    assert schema["properties"]["spec"]["properties"]["size"]["default"] == 1
    assert "x-kubernetes-validations" not in schema


def test_a_rule_about_the_name_gets_a_bound_for_its_cost() -> None:
    rule = Rule("size(self.metadata.name) <= 36", "at most 36 characters")
    schema = schema_of(replace(THING, rules=(rule,)))
    assert schema["x-kubernetes-validations"] == [{"rule": rule.rule, "message": rule.message}]
    assert schema["properties"]["metadata"]["properties"] == {"name": {"type": "string", "maxLength": 253}}


def test_rule_without_a_sentence() -> None:
    with pytest.raises(SchemaError, match="Thing: the rule"):
        schema_of(replace(THING, rules=(Rule("true", ""),)))


def test_kind_or_spec_without_description() -> None:
    with pytest.raises(SchemaError, match="Thing: has no description"):
        schema_of(replace(THING, description=""))

    class Undescribed(ApiModel):
        size: int = Field(description="How large it is.")

    Undescribed.__doc__ = None
    with pytest.raises(SchemaError, match=r"Thing\.spec: has no description"):
        schema_of(replace(THING, spec=Undescribed, columns=()))


def test_columns() -> None:
    shown = (*THING.columns, Column("Age", ".metadata.creationTimestamp", "date", 1, "How old it is."))
    assert version_of(replace(THING, columns=shown))["additionalPrinterColumns"] == [
        {"name": "Size", "type": "integer", "jsonPath": ".spec.size"},
        {"name": "Ready", "type": "string", "jsonPath": READY},
        {
            "name": "Age",
            "type": "date",
            "jsonPath": ".metadata.creationTimestamp",
            "description": "How old it is.",
            "priority": 1,
        },
    ]


@pytest.mark.parametrize(
    ("column", "why"),
    [
        pytest.param(Column("A", ".spec.colour"), "no field colour", id="no such field"),
        pytest.param(Column("A", ".spec.size"), "says string, but .spec.size is integer", id="another type"),
        pytest.param(Column("A", ".spec.size", "number"), "type number is not one of", id="unknown type"),
        pytest.param(Column("A", "spec.size", "integer"), "cannot read the path", id="no leading dot"),
        pytest.param(Column("A", '.status.conditions[?(@.kind=="A")].status'), "no list of objects", id="filter"),
        pytest.param(Column("A", ".spec", "string"), "is object", id="an object"),
        pytest.param(Column("Size", ".spec.size", "integer"), "appears twice", id="named twice"),
    ],
)
def test_column_that_does_not_fit(column: Column, why: str) -> None:
    with pytest.raises(SchemaError, match=why):
        version_of(replace(THING, columns=(*THING.columns, column)))


def test_column_of_a_map() -> None:
    column = Column("Width", ".spec.labels.width", "integer")
    assert version_of(replace(THING, columns=(column,)))["additionalPrinterColumns"][0]["jsonPath"] == column.path


def test_more_columns_than_fit() -> None:
    many = tuple(Column(f"C{number}", ".spec.size", "integer") for number in range(MOST_SHOWN + 1))
    with pytest.raises(SchemaError, match="has 8 columns of priority 0"):
        version_of(replace(THING, columns=many))
    last_is_wide = (*many[:-1], replace(many[-1], priority=1))
    assert len(version_of(replace(THING, columns=last_is_wide))["additionalPrinterColumns"]) == MOST_SHOWN + 1
