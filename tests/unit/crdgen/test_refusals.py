"""What a structural schema cannot say is refused, with the model and the field in the message."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, create_model, model_validator

from perennial.api.base import ApiModel, Rule, cel
from perennial.crdgen import SchemaError, structural_schema


class Cat(ApiModel):
    kind: Literal["Cat"] = Field("Cat", description="Which.")


class Dog(ApiModel):
    kind: Literal["Dog"] = Field("Dog", description="Which.")


class Recursive(ApiModel):
    children: list[Recursive] = Field(max_length=3, description="More of it.")


class Checked(ApiModel):
    number: int = Field(description="A number.")

    @model_validator(mode="after")
    def _check(self) -> Checked:
        return self


class Open(ApiModel):
    model_config = ConfigDict(extra="allow")

    name: str = Field(max_length=9, description="Its name.")


def of_field(annotation: Any, default: Any = ..., description: str | None = "It.", **settings: Any) -> type[ApiModel]:
    """A model with one field of that type."""
    field = Field(default, description=description, **settings)
    model: type[ApiModel] = create_model("Some", __base__=ApiModel, some_field=(annotation, field))
    return model


Bounded = Field(max_length=3)


@pytest.mark.parametrize(
    ("annotation", "why"),
    [
        pytest.param(float, "float is not a field of the API", id="float"),
        pytest.param(float | None, "must be given", id="required but None"),
        pytest.param(Annotated[list[float], Bounded], "float is not a field", id="list of floats"),
        pytest.param(Annotated[dict[str, float], Bounded], "float is not a field", id="map to floats"),
        pytest.param(timedelta, "fooSeconds", id="timedelta"),
        pytest.param(Decimal, "union", id="decimal"),
        pytest.param(bytes, "bytes", id="bytes"),
        pytest.param(tuple[int, str], "tuple", id="tuple"),
        pytest.param(Annotated[Cat | Dog, Field(discriminator="kind")], "union", id="tagged union"),
        pytest.param(Cat | Dog, "union", id="union of models"),
        pytest.param(Annotated[str, Bounded] | bool, "union", id="union of scalars"),
        pytest.param(int | Literal["Auto"], "union", id="int or enum"),
        pytest.param(Literal["A", 1], "no single type", id="mixed literal"),
        pytest.param(None, "no single type", id="none"),
        pytest.param(object, "does not say what it holds", id="object"),
        pytest.param(Annotated[list, Bounded], "does not say what it holds", id="bare list"),
        pytest.param(Annotated[dict, Bounded], "does not say what it holds", id="bare dict"),
        pytest.param(Annotated[dict[str, object], Bounded], "does not say what it holds", id="bare inside"),
        pytest.param(Annotated[dict[Annotated[str, Bounded], int], Bounded], "keys cannot be", id="length of a key"),
        pytest.param(
            Annotated[dict[Annotated[str, Field(pattern="^a$")], int], Bounded], "keys cannot be", id="pattern of a key"
        ),
        pytest.param(Annotated[set[Cat], Bounded], "a set may hold", id="set of objects"),
        pytest.param(UUID, "format uuid", id="format"),
        pytest.param(Path, "validator in Python", id="path"),
        pytest.param(Recursive, "contains itself", id="recursion"),
        pytest.param(Open, "extra='allow'", id="extra allowed"),
        pytest.param(str, "no maxLength", id="unbounded string"),
        pytest.param(list[int], "no maxItems", id="unbounded list"),
        pytest.param(dict[str, int], "no maxProperties", id="unbounded map"),
        pytest.param(Annotated[list[str], Bounded], "no maxLength", id="list of unbounded strings"),
        pytest.param(Annotated[dict[str, str], Bounded], "no maxLength", id="map to unbounded strings"),
        pytest.param(int | str, "no maxLength", id="int or unbounded string"),
        pytest.param(Annotated[int, AfterValidator(abs)], "validator in Python", id="validator after"),
        pytest.param(Annotated[int, BeforeValidator(abs)], "validator in Python", id="validator before"),
        pytest.param(Checked, "validator in Python", id="validator of a model"),
        pytest.param(Annotated[int, Field(ge=1, gt=0)], "one of them", id="two minima"),
    ],
)
def test_type(annotation: Any, why: str) -> None:
    with pytest.raises(SchemaError, match=why) as error:
        structural_schema(of_field(annotation))
    assert error.value.where.split(".")[0] in ("Some", "Recursive"), "names the model"
    assert "." in error.value.where, "names the field"


def test_the_message_names_model_and_field_of_a_nested_field() -> None:
    class Inner(ApiModel):
        how_much: float = Field(description="How much.")

    with pytest.raises(SchemaError) as error:
        structural_schema(of_field(Annotated[list[Inner], Bounded]))
    assert error.value.where == "Inner.howMuch"


def test_the_message_names_the_item_of_a_list() -> None:
    with pytest.raises(SchemaError) as error:
        structural_schema(of_field(Annotated[list[float], Bounded]))
    assert error.value.where == "Some.someField[]"


def test_float_in_a_status() -> None:
    with pytest.raises(SchemaError, match="float"):
        structural_schema(of_field(float), bounded=False, defaults=False)


@pytest.mark.parametrize("description", [None, "", "  "])
def test_field_without_description(description: str | None) -> None:
    with pytest.raises(SchemaError, match=r"Some\.someField: has no description"):
        structural_schema(of_field(int, description=description))


def test_a_docstring_is_no_description_of_a_field() -> None:
    class Inner(ApiModel):
        """What it is."""

    with pytest.raises(SchemaError, match="has no description"):
        structural_schema(of_field(Inner, description=None))


@pytest.mark.parametrize("bounded", [True, False])
def test_unbounded_below_a_rule(bounded: bool) -> None:
    extra = cel(Rule("self.all(each, each != '')", "none may be empty"))
    model = of_field(list[Annotated[str, Bounded]], json_schema_extra=extra)
    with pytest.raises(SchemaError, match="no maxItems"):
        structural_schema(model, bounded=bounded)


@pytest.mark.parametrize(
    "extra",
    [
        pytest.param({"examples": ["a"]}, id="examples"),
        pytest.param({"deprecated": True}, id="deprecated"),
        pytest.param({"readOnly": True}, id="read only"),
        pytest.param({"nullable": True}, id="nullable"),
        pytest.param({"allOf": [{"minLength": 1}]}, id="allOf"),
        pytest.param({"not": {"maxLength": 1}}, id="not"),
        pytest.param({"minimum": 1}, id="a keyword of another type"),
        pytest.param({"contentMediaType": "text/plain"}, id="unknown keyword"),
    ],
)
def test_keyword(extra: dict[str, Any]) -> None:
    with pytest.raises(SchemaError, match="someField"):
        structural_schema(of_field(str, max_length=3, json_schema_extra=extra))


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        pytest.param({"rule": "true", "message": ""}, "message of one line", id="no sentence"),
        pytest.param({"rule": "true", "message": "a\nb"}, "message of one line", id="two lines"),
        pytest.param({"rule": "", "message": "a"}, "is not a rule", id="no rule"),
        pytest.param({"rule": "true", "message": "a", "extra": 1}, "is not a rule", id="unknown key"),
    ],
)
def test_rule(rule: dict[str, Any], why: str) -> None:
    with pytest.raises(SchemaError, match=why):
        structural_schema(of_field(int, json_schema_extra={"x-kubernetes-validations": [rule]}))


class Item(ApiModel):
    name: str = Field(max_length=9, description="Its name.")
    note: str | None = Field(None, max_length=9, description="A note.")


@pytest.mark.parametrize(
    ("keys", "why"),
    [
        pytest.param(["note"], "must be a required field", id="key is optional"),
        pytest.param(["missing"], "must be a required field", id="no such key"),
        pytest.param([], "belong together", id="no keys"),
    ],
)
def test_list_map(keys: list[str], why: str) -> None:
    extra = {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": keys}
    with pytest.raises(SchemaError, match=why):
        structural_schema(of_field(list[Item], max_length=3, json_schema_extra=extra))
