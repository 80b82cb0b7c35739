"""References inlined and ``X | None`` made an optional ``X``."""

from __future__ import annotations

from typing import Any

from perennial.crdgen import keywords as kw
from perennial.crdgen.errors import SchemaError
from perennial.crdgen.nodes import Place

Definitions = dict[str, dict[str, Any]]
_NULL = {"type": "null"}


def resolve(raw: dict[str, Any], definitions: Definitions, place: Place) -> tuple[dict[str, Any], Place]:
    """``raw`` with its own reference inlined, and the place that its fields belong to.

    Raises `SchemaError` when a model contains itself: a structural schema is finite.
    """
    while "$ref" in raw or is_optional(raw):
        if "$ref" in raw:
            name = raw["$ref"].removeprefix("#/$defs/")
            if name in place.refs:
                raise SchemaError(place.name, f"{name} contains itself; a structural schema cannot be recursive")
            place = place.entering(name)
            # What is left here is the docstring of an enum, which describes no field.
            raw = _overlaid(_without(definitions[name], "description"), _without(raw, "$ref"))
        else:
            parts = union_of(raw)
            inner = parts[0] if len(parts) == 1 else {"anyOf": parts}
            raw = _overlaid(inner, _without(raw, "anyOf"))
    return raw, place


def is_optional(raw: dict[str, Any]) -> bool:
    """Whether ``raw`` is ``X | None``."""
    return _NULL in raw.get("anyOf", [])


def union_of(raw: dict[str, Any]) -> list[dict[str, Any]]:
    """The parts of a union, without None."""
    return [part for part in raw["anyOf"] if part != _NULL]


def _without(raw: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in raw.items() if name != key}


def _overlaid(inner: dict[str, Any], outer: dict[str, Any]) -> dict[str, Any]:
    """What a field says wins over what its type says; the rules of both hold."""
    rules = [*inner.get(kw.VALIDATIONS, []), *outer.get(kw.VALIDATIONS, [])]
    return {**inner, **outer, **({kw.VALIDATIONS: rules} if rules else {})}
