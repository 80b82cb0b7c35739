"""What each pydantic type becomes in a structural schema."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

import pytest
from pydantic import ConfigDict, Field, create_model

from perennial.api.base import ApiModel, Rule, cel
from perennial.crdgen import structural_schema

PRESERVE = {"x-kubernetes-preserve-unknown-fields": True}
Short = Annotated[str, Field(max_length=9)]


class Colour(StrEnum):
    """A docstring that must not be published."""

    RED = "Red"
    BLUE = "Blue"


class Part(ApiModel):
    """A docstring that must not be published."""

    model_config = ConfigDict(extra="forbid", json_schema_extra=cel(Rule("self.wholeNumber > 1", "more than one")))

    whole_number: int = Field(description="A number.")


class Nothing(ApiModel):
    """A docstring that must not be published."""


PART = {
    "type": "object",
    "required": ["wholeNumber"],
    "properties": {"wholeNumber": {"description": "A number.", "type": "integer"}},
    "x-kubernetes-validations": [{"rule": "self.wholeNumber > 1", "message": "more than one"}],
}
STRING = {"type": "string", "maxLength": 9}


def field_schema(annotation: Any, default: Any = ..., **settings: Any) -> dict[str, Any]:
    """The schema of one field of that type, without its description."""
    field = Field(default, description="What it is for.", **settings)
    model: type[ApiModel] = create_model("Some", __base__=ApiModel, some_field=(annotation, field))
    schema = structural_schema(model)
    found: dict[str, Any] = schema["properties"]["someField"]
    assert found.pop("description") == "What it is for."
    assert schema.get("required", []) == (["someField"] if default is ... else [])
    return found


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        pytest.param(Short, STRING, id="string"),
        pytest.param(Nothing, {"type": "object"}, id="an object without fields"),
        pytest.param(bool, {"type": "boolean"}, id="boolean"),
        pytest.param(int, {"type": "integer"}, id="integer"),
        pytest.param(Annotated[int, Field(ge=1, le=3)], {"type": "integer", "minimum": 1, "maximum": 3}, id="bounds"),
        pytest.param(
            Annotated[int, Field(gt=1, lt=9)],
            {"type": "integer", "minimum": 1, "exclusiveMinimum": True, "maximum": 9, "exclusiveMaximum": True},
            id="exclusive bounds",
        ),
        pytest.param(datetime, {"type": "string", "format": "date-time"}, id="time"),
        pytest.param(Literal["A", "B"], {"type": "string", "enum": ["A", "B"]}, id="literal"),
        pytest.param(Literal["A"], {"type": "string", "enum": ["A"]}, id="const"),
        pytest.param(Colour, {"type": "string", "enum": ["Red", "Blue"]}, id="enum"),
        pytest.param(Part, PART, id="model"),
        pytest.param(
            Annotated[list[Part], Field(max_length=2)], {"type": "array", "maxItems": 2, "items": PART}, id="list"
        ),
        pytest.param(
            Annotated[tuple[int, ...], Field(max_length=2)],
            {"type": "array", "maxItems": 2, "items": {"type": "integer"}},
            id="tuple of any length",
        ),
        pytest.param(
            Annotated[set[int], Field(max_length=2)],
            {"type": "array", "maxItems": 2, "x-kubernetes-list-type": "set", "items": {"type": "integer"}},
            id="set",
        ),
        pytest.param(
            Annotated[frozenset[Colour], Field(max_length=2)],
            {
                "type": "array",
                "maxItems": 2,
                "x-kubernetes-list-type": "set",
                "items": {"type": "string", "enum": ["Red", "Blue"]},
            },
            id="frozen set",
        ),
        pytest.param(
            Annotated[dict[str, Short], Field(max_length=4)],
            {"type": "object", "maxProperties": 4, "additionalProperties": STRING},
            id="map",
        ),
        pytest.param(Any, PRESERVE, id="any"),
        pytest.param(
            Annotated[dict[str, Any], Field(max_length=4)],
            {"type": "object", "maxProperties": 4, "additionalProperties": PRESERVE},
            id="map to any",
        ),
        pytest.param(
            Annotated[list[Any], Field(max_length=4)],
            {"type": "array", "maxItems": 4, "items": PRESERVE},
            id="list of any",
        ),
        pytest.param(
            Annotated[int, Field(ge=1)] | Annotated[str, Field(max_length=5, pattern="^[0-9]+%$")],
            {"minimum": 1, "maxLength": 5, "pattern": "^[0-9]+%$", "x-kubernetes-int-or-string": True},
            id="int or string",
        ),
    ],
)
def test_type(annotation: Any, expected: dict[str, Any]) -> None:
    assert field_schema(annotation) == expected
    assert field_schema(annotation | None, None) == expected, "X | None is an optional X, not nullable"


@pytest.mark.parametrize(
    ("annotation", "default", "expected"),
    [
        pytest.param(int, 3, 3, id="plain"),
        pytest.param(bool, False, False, id="false"),
        pytest.param(Short, "", "", id="empty string"),
        pytest.param(Colour, Colour.BLUE, "Blue", id="enum"),
        pytest.param(Part, Part(whole_number=2), {"wholeNumber": 2}, id="model"),
        pytest.param(Annotated[list[int], Field(max_length=3)], [1, 2], [1, 2], id="list"),
        pytest.param(Annotated[dict[str, int], Field(max_length=3)], {"a": 1}, {"a": 1}, id="map"),
        pytest.param(Annotated[set[Short], Field(max_length=9)], set("fedcba"), list("abcdef"), id="set"),
        pytest.param(int | None, None, None, id="none"),
        pytest.param(Annotated[list[int], Field(max_length=3)], [], None, id="empty list"),
        pytest.param(Annotated[dict[str, int], Field(max_length=3)], {}, None, id="empty map"),
    ],
)
def test_default(annotation: Any, default: Any, expected: Any) -> None:
    assert field_schema(annotation, default).get("default") == expected


class Inner(ApiModel):
    number: int = Field(3, description="A number.")
    word: Short | None = Field(None, description="A word.")


def test_default_of_an_object_leaves_out_what_its_fields_default_to() -> None:
    assert field_schema(Inner, Inner())["default"] == {}
    assert field_schema(Inner, Inner(number=4))["default"] == {"number": 4}


def test_default_of_a_factory_is_published() -> None:
    model: type[ApiModel] = create_model(
        "Some", __base__=ApiModel, inner=(Inner, Field(default_factory=lambda: Inner(word="so"), description="It."))
    )
    assert structural_schema(model)["properties"]["inner"]["default"] == {"word": "so"}


def test_status_publishes_no_default_and_needs_no_bounds() -> None:
    model: type[ApiModel] = create_model("Some", __base__=ApiModel, word=(str, Field("so", description="A word.")))
    schema = structural_schema(model, bounded=False, defaults=False)
    assert schema["properties"]["word"] == {"description": "A word.", "type": "string"}


def test_rules_of_the_type_and_of_the_field_both_hold() -> None:
    extra = cel(Rule("self.wholeNumber < 9", "less than nine"))
    expected = [
        {"rule": "self.wholeNumber > 1", "message": "more than one"},
        {"rule": "self.wholeNumber < 9", "message": "less than nine"},
    ]
    assert field_schema(Part, json_schema_extra=extra)["x-kubernetes-validations"] == expected
    assert field_schema(Part | None, None, json_schema_extra=extra)["x-kubernetes-validations"] == expected


def test_the_fields_description_wins_over_its_types() -> None:
    described = Annotated[str, Field(max_length=9, description="Of the type.")]
    assert field_schema(described | None, None) == STRING
    model: type[ApiModel] = create_model("Some", __base__=ApiModel, word=(described | None, None))
    assert structural_schema(model)["properties"]["word"]["description"] == "Of the type."


def test_a_description_equal_to_the_docstring_is_kept() -> None:
    class Where(ApiModel):
        """What it is for."""

    assert field_schema(Where) == {"type": "object"}


def test_list_map_passes_through() -> None:
    class Item(ApiModel):
        name: Short = Field(description="Its name.")

    keys = {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]}
    found = field_schema(list[Item], max_length=3, json_schema_extra=keys)
    assert {key: found[key] for key in keys} == keys
