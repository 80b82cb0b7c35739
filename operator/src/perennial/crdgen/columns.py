"""Printer columns of `kubectl get`, each checked against the schema that it reads."""

from __future__ import annotations

import re
from typing import Any

from perennial.api.base import Column, Resource
from perennial.crdgen.errors import SchemaError

# A terminal of 160 characters holds seven columns beside the name.
MOST_SHOWN = 7
_TYPES = frozenset({"string", "integer", "boolean", "date"})
_STEP = re.compile(r"\.(?P<name>[A-Za-z][A-Za-z0-9_]*)(?P<filter>\[\?\(@\.(?P<key>\w+)==\"[^\"]*\"\)\])?")
_METADATA = {
    ".metadata.creationTimestamp": {"type": "string", "format": "date-time"},
    ".metadata.generation": {"type": "integer"},
}


def printer_columns(resource: Resource, schema: dict[str, Any]) -> list[dict[str, Any]]:
    """The columns of ``resource``, whose root schema is ``schema``, as ``additionalPrinterColumns``.

    Raises `SchemaError` for more than seven columns that are always shown, for a column named twice, and for one
    whose path or type does not fit the schema.
    """
    shown = [column for column in resource.columns if column.priority == 0]
    if len(shown) > MOST_SHOWN:
        raise SchemaError(resource.kind, f"has {len(shown)} columns of priority 0; at most {MOST_SHOWN} fit a terminal")
    names = [column.name for column in resource.columns]
    for name in names:
        if names.count(name) > 1:
            raise SchemaError(f"{resource.kind} column {name}", "appears twice")
    return [_printer_column(resource, column, schema) for column in resource.columns]


def _printer_column(resource: Resource, column: Column, schema: dict[str, Any]) -> dict[str, Any]:
    where = f"{resource.kind} column {column.name}"
    if column.type not in _TYPES:
        raise SchemaError(where, f"type {column.type} is not one of {', '.join(sorted(_TYPES))}")
    found = _METADATA.get(column.path) or _at(column.path, schema, where)
    kind = "date" if column.type == "date" and found.get("format") == "date-time" else found.get("type")
    if kind != column.type:
        raise SchemaError(where, f"says {column.type}, but {column.path} is {kind or 'of any type'}")
    made: dict[str, Any] = {"name": column.name, "type": column.type, "jsonPath": column.path}
    if column.description:
        made["description"] = column.description
    if column.priority:
        made["priority"] = column.priority
    return made


def _at(path: str, schema: dict[str, Any], where: str) -> dict[str, Any]:
    """The schema of what the JSON path ``path`` selects."""
    position = 0
    while position < len(path):
        step = _STEP.match(path, position)
        if step is None:
            raise SchemaError(where, f"cannot read the path {path} at {path[position:]!r}")
        schema = _step(schema, step, where)
        position = step.end()
    return schema


def _step(schema: dict[str, Any], step: re.Match[str], where: str) -> dict[str, Any]:
    found = schema.get("properties", {}).get(step["name"]) or schema.get("additionalProperties")
    if found is None:
        raise SchemaError(where, f"there is no field {step['name']} on its path")
    if step["filter"]:
        found = found.get("items", {})
        if step["key"] not in found.get("properties", {}):
            raise SchemaError(where, f"{step['name']} is no list of objects with a field {step['key']}")
    return dict(found)
