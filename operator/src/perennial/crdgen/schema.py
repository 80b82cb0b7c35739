"""Pydantic model -> structural OpenAPI v3 schema, strictly.

Structural: every node has one type, unions are gone, nothing is referred to
(https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#specifying-a-structural-schema).
"""

from __future__ import annotations

from inspect import cleandoc
from typing import Any

from pydantic import BaseModel

from perennial.crdgen import keywords as kw
from perennial.crdgen.defaults import ABSENT, default_of
from perennial.crdgen.errors import SchemaError
from perennial.crdgen.nodes import Place, check_list, checked_rules, integer_bounds, refuse_unbounded, refuse_unknown
from perennial.crdgen.resolve import Definitions, is_optional, resolve, union_of
from perennial.crdgen.source import ANY, json_schema

Schema = dict[str, Any]


def structural_schema(model: type[BaseModel], *, bounded: bool = True, defaults: bool = True) -> Schema:
    """The structural schema of ``model``.

    ``bounded``: every string, list and map needs a greatest length (specs do: otherwise the apiserver's estimate of
    a rule's cost has no limit); below a rule they need one always. ``defaults``: publish defaults (specs do; a
    status holds what its writer wrote, nothing else). Raises `SchemaError` naming the model and the field.
    """
    raw = json_schema(model)
    translator = _Translator(raw.pop("$defs", {}), defaults)
    return translator.node(raw, Place(model.__name__, bounded=bounded, refs=(model.__name__,)))


class _Translator:
    def __init__(self, definitions: Definitions, defaults: bool) -> None:
        self._definitions = definitions
        self._defaults = defaults
        self._by_type = {"object": self._object, "array": self._array, "string": _string, "integer": _integer}

    def node(self, raw: Schema, place: Place) -> Schema:
        raw, place = resolve(raw, self._definitions, place)
        rules = checked_rules(raw.get(kw.VALIDATIONS, []), place)
        place = place.below_rule() if rules else place
        found = self._typed(raw, place)
        if rules:
            found[kw.VALIDATIONS] = rules
        if raw.get("description"):
            found["description"] = cleandoc(raw["description"])
        self._add_default(raw, found)
        return {key: found[key] for key in kw.ORDER if key in found}

    def _typed(self, raw: Schema, place: Place) -> Schema:
        if ANY in raw:
            refuse_unknown(raw, kw.COMMON | {ANY}, place)
            return {kw.PRESERVE: True}
        if "anyOf" in raw:
            return _int_or_string(raw, place)
        if "const" in raw:
            raw = {**raw, "enum": [raw["const"]]}
            del raw["const"]
        kind = raw.get("type")
        if kind == "number":
            raise SchemaError(place.name, "float is not a field of the API; use an integer or a quantity string")
        if kind not in kw.BY_TYPE:
            refuse_unknown(raw, kw.COMMON | {"enum"}, place)
            raise SchemaError(place.name, f"{_what(raw)} has no single type; a structural schema needs one")
        refuse_unknown(raw, kw.COMMON | kw.BY_TYPE[kind], place)
        return self._by_type.get(kind, _scalar)(raw, place)

    def _object(self, raw: Schema, place: Place) -> Schema:
        found = _kept(raw, "type", "minProperties", "maxProperties", "x-kubernetes-map-type")
        values = raw.get("additionalProperties", False)
        if "properties" in raw or not values:
            if values:
                raise SchemaError(place.name, "extra='allow' would keep fields that no schema describes; drop it")
            return {**found, **self._properties(raw, place)}
        refuse_unbounded(raw, "maxProperties", place)
        return {**found, "additionalProperties": self.node(values, place.inside("{}"))}

    def _properties(self, raw: Schema, place: Place) -> Schema:
        required = raw.get("required", [])
        found: Schema = {"properties": {}}
        for name, each in raw.get("properties", {}).items():
            there = place.field(name)
            if name in required and is_optional(each):
                raise SchemaError(there.name, "may be None but must be given; give it the default None")
            found["properties"][name] = self.node(each, there)
            if not found["properties"][name].get("description"):
                raise SchemaError(there.name, "has no description; say what a user does with it")
        if not found["properties"]:
            # The apiserver would drop it: what it stores is to be what is published.
            return {}
        return {**found, "required": required} if required else found

    def _array(self, raw: Schema, place: Place) -> Schema:
        refuse_unbounded(raw, "maxItems", place)
        found = _kept(raw, "type", "minItems", "maxItems", kw.LIST_TYPE, kw.LIST_MAP_KEYS)
        found["items"] = self.node(raw["items"], place.inside("[]"))
        if raw.get("uniqueItems"):
            found[kw.LIST_TYPE] = "set"
        check_list(found, place)
        return found

    def _add_default(self, raw: Schema, found: Schema) -> None:
        default = default_of(raw.get("default"), found) if self._defaults else ABSENT
        if default is not ABSENT:
            found["default"] = default


def _kept(raw: Schema, *names: str) -> Schema:
    return {name: raw[name] for name in names if name in raw}


def _what(raw: Schema) -> str:
    return f"Literal{raw['enum']}" if "enum" in raw else "None" if raw.get("type") == "null" else "a field"


def _scalar(raw: Schema, _place: Place) -> Schema:
    return _kept(raw, "type", "enum")


def _string(raw: Schema, place: Place) -> Schema:
    form = raw.get("format")
    if form is not None and form not in kw.FORMATS:
        raise SchemaError(place.name, kw.WHY_FORMAT.get(form, f"format {form} is not one of the apiserver's here"))
    if "enum" not in raw and form not in kw.BOUNDED_FORMATS:
        refuse_unbounded(raw, "maxLength", place)
    return _kept(raw, "type", "enum", *kw.STRINGS)


def _integer(raw: Schema, place: Place) -> Schema:
    return {**_kept(raw, "type", "enum", "format", "multipleOf"), **integer_bounds(raw, place)}


def _int_or_string(raw: Schema, place: Place) -> Schema:
    """``int | str``; each part's constraints hold for values of its own type, so they can stand side by side."""
    refuse_unknown(raw, kw.COMMON | {"anyOf"}, place)
    parts = {part.get("type"): part for part in union_of(raw)}
    if set(parts) != {"integer", "string"} or any({"enum", "const"} & set(part) for part in parts.values()):
        raise SchemaError(place.name, "a union other than int | str has no structural schema; use optional fields")
    refuse_unknown(parts["integer"], kw.COMMON | kw.INTEGERS, place)
    refuse_unknown(parts["string"], kw.COMMON | kw.STRINGS - {"format"}, place)
    bounds = {**_integer(parts["integer"], place), **_string(parts["string"], place)}
    return {kw.INT_OR_STRING: True, **{name: value for name, value in bounds.items() if name != "type"}}
