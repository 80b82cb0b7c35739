"""Defaults as the apiserver applies them: from the outside in, so that an object's default is mostly ``{}``."""

from __future__ import annotations

from typing import Any

from perennial.crdgen.keywords import LIST_TYPE

ABSENT = object()


def default_of(value: Any, schema: dict[str, Any]) -> Any:
    """What to publish as the default of a field with this structural ``schema``, or `ABSENT`.

    None and empty lists and maps are the same as a field left out, and are not published.
    """
    value = _shortened(value, schema)
    empty = value in ([], {}) and "properties" not in schema
    return ABSENT if value is None or empty else value


def _shortened(value: Any, schema: dict[str, Any]) -> Any:
    """``value`` without what is absent or what the defaults of nested fields say already."""
    if isinstance(value, dict) and "properties" in schema:
        kept = {}
        for name, each in value.items():
            field = schema["properties"][name]
            short = default_of(each, field)
            if short is not ABSENT and short != field.get("default", ABSENT):
                kept[name] = short
        return kept
    if isinstance(value, list):
        items = [_shortened(each, schema["items"]) for each in value]
        # A set has another order in each interpreter.
        return sorted(items) if schema.get(LIST_TYPE) == "set" else items
    return value
