"""``docs/reference.md``: every field of every kind, from the same schemas that the apiserver gets."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from perennial.crdgen import keywords as kw

_TITLE = """<!-- Generated from operator/src/perennial/api by `make generate`. Do not edit. -->
# Reference

Every field of every kind. `kubectl explain KIND.spec --recursive` says the same. A field in bold must be given.
"""
_HEAD = "| Field | Type | Default | |\n|---|---|---|---|\n"


def reference(definitions: Iterable[Mapping[str, Any]]) -> str:
    """The reference as Markdown: a table of spec and of status per kind, and what the apiserver refuses."""
    return _TITLE + "".join(_kind(each) for each in definitions)


def _kind(definition: Mapping[str, Any]) -> str:
    names = definition["spec"]["names"]
    schema = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    text = f"\n## {names['kind']}\n\n{schema['description']} Short name: {', '.join(names['shortNames'])}.\n"
    for part in ("spec", "status"):
        rows = "".join(_rows(schema["properties"][part], part))
        text += f"\n### {names['kind']}.{part}\n\n{schema['properties'][part]['description']}\n\n{_HEAD}{rows}"
    rules = "".join(f"- `{place}`: {message}\n" for place, message in _rules(schema, ""))
    return text + (f"\nRefused by the apiserver:\n\n{rules}" if rules else "")


def _rows(schema: Mapping[str, Any], path: str) -> Iterator[str]:
    for name, field in schema.get("properties", {}).items():
        place = f"{path}.{name}"
        shown = f"**`{place}`**" if name in schema.get("required", []) else f"`{place}`"
        default = f"`{json.dumps(field['default'])}`" if "default" in field else ""
        yield f"| {shown} | {_cell(_type(field))} | {_cell(default)} | {_cell(field['description'])} |\n"
        yield from _rows(*_inside(field, place))


def _inside(field: Mapping[str, Any], place: str) -> tuple[Mapping[str, Any], str]:
    """The schema whose fields stand below ``field``, through lists and maps, and its path."""
    while "properties" not in field and ("items" in field or "additionalProperties" in field):
        field, place = (
            (field["items"], place + "[]") if "items" in field else (field["additionalProperties"], place + "{}")
        )
    return field, place


def _type(field: Mapping[str, Any]) -> str:
    if "enum" in field:
        return " or ".join(f"`{each}`" for each in field["enum"])
    if kw.INT_OR_STRING in field:
        return "integer or string"
    if "items" in field:
        return f"list of {_type(field['items'])}"
    if "additionalProperties" in field:
        return f"map to {_type(field['additionalProperties'])}"
    if field.get("format") == "date-time":
        return "time"
    return f"{field.get('type', 'any')}{_range(field)}"


def _range(field: Mapping[str, Any]) -> str:
    least, most = field.get("minimum"), field.get("maximum")
    if least is None and most is None:
        return ""
    if most is None:
        return f" > {least}" if field.get("exclusiveMinimum") else f" ≥ {least}"
    return f" ≤ {most}" if least is None else f" {least}–{most}"


def _rules(schema: Mapping[str, Any], path: str) -> Iterator[tuple[str, str]]:
    """Where each rule stands, and its sentence."""
    for each in schema.get(kw.VALIDATIONS, []):
        yield path or "object", each["message"]
    for name, field in schema.get("properties", {}).items():
        yield from _rules(field, f"{path}.{name}".removeprefix("."))
    for key, suffix in (("items", "[]"), ("additionalProperties", "{}")):
        if key in schema:
            yield from _rules(schema[key], path + suffix)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
