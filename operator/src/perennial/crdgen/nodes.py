"""Where a node stands, and the checks that several kinds of node share."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from perennial.crdgen import keywords as kw
from perennial.crdgen.errors import SchemaError


@dataclass(frozen=True)
class Place:
    """Where a node stands: its ``name`` for messages, and the models around it, the innermost last."""

    name: str
    bounded: bool
    refs: tuple[str, ...]

    def field(self, alias: str) -> Place:
        """The place of a field of the innermost model."""
        return replace(self, name=f"{self.refs[-1]}.{alias}")

    def inside(self, suffix: str) -> Place:
        """The place of a list's items or a map's values."""
        return replace(self, name=self.name + suffix)

    def entering(self, model: str) -> Place:
        """The same place, inside ``model``."""
        return replace(self, refs=(*self.refs, model))

    def below_rule(self) -> Place:
        """The same place, where a rule may look at everything."""
        return replace(self, bounded=True)


def refuse_unknown(raw: dict[str, Any], known: Iterable[str], place: Place) -> None:
    """Raise `SchemaError` for a keyword that would be lost."""
    for key in raw:
        if key not in known:
            why = kw.WHY_REFUSED.get(key, f"{key} has no counterpart in a structural schema for this type")
            raise SchemaError(place.name, why)


def refuse_unbounded(raw: dict[str, Any], bound: str, place: Place) -> None:
    """Raise `SchemaError` where a length may be looked at by a rule and has no limit."""
    if place.bounded and bound not in raw:
        raise SchemaError(place.name, f"has no {bound}; give it max_length, otherwise no rule's cost has a limit")


def integer_bounds(raw: dict[str, Any], place: Place) -> dict[str, Any]:
    """Bounds in the form of OpenAPI v3.0, where exclusiveMinimum is a flag of minimum and not a number."""
    found: dict[str, Any] = {}
    for plain, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        if plain in raw and exclusive in raw:
            raise SchemaError(place.name, f"has {plain} and {exclusive}; one of them says it")
        if exclusive in raw:
            found |= {plain: raw[exclusive], exclusive: True}
        elif plain in raw:
            found[plain] = raw[plain]
    return found


def checked_rules(rules: Any, place: Place) -> list[dict[str, Any]]:
    """CEL rules as they are published; each needs a sentence of one line for the person who breaks it."""
    for each in rules:
        if not set(each) <= set(kw.RULE_KEYS) or not each.get("rule"):
            raise SchemaError(place.name, f"{each} is not a rule; it may have {', '.join(kw.RULE_KEYS)}")
        message = each.get("message", "")
        if not message.strip() or "\n" in message:
            raise SchemaError(place.name, f"the rule {each['rule']!r} needs a message of one line")
    return [{key: each[key] for key in kw.RULE_KEYS if key in each} for each in rules]


def check_list(found: dict[str, Any], place: Place) -> None:
    """Raise `SchemaError` for a set of objects, or a list-map whose keys could be missing."""
    items, kind = found["items"], found.get(kw.LIST_TYPE)
    if kind == "set" and items.get("type") not in ("string", "integer", "boolean"):
        raise SchemaError(place.name, "a set may hold strings and numbers only; use a list")
    keys = found.get(kw.LIST_MAP_KEYS, [])
    if (kind == "map") != bool(keys):
        raise SchemaError(place.name, f"{kw.LIST_TYPE}: map and {kw.LIST_MAP_KEYS} belong together")
    for key in keys:
        field = items.get("properties", {}).get(key, {})
        if key not in items.get("required", []) and "default" not in field:
            raise SchemaError(place.name, f"its key {key} must be a required field of its items, or have a default")
