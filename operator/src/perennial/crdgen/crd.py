"""One CustomResourceDefinition from one `Resource`."""

from __future__ import annotations

from typing import Any

from perennial.api.base import GROUP, VERSION, Resource, Rule
from perennial.crdgen import keywords as kw
from perennial.crdgen.columns import printer_columns
from perennial.crdgen.errors import SchemaError
from perennial.crdgen.nodes import Place, checked_rules
from perennial.crdgen.schema import structural_schema

CATEGORY = "perennial"
# The greatest length of an object's name; without it the cost of a rule about the name has no limit.
_NAME = {"type": "string", "maxLength": 253}
_OBSERVED = "observedGeneration"


def custom_resource_definition(resource: Resource) -> dict[str, Any]:
    """The CustomResourceDefinition of ``resource`` (apiextensions.k8s.io/v1).

    Raises `SchemaError` for what it cannot say; the message names the model and the field.
    """
    schema = root_schema(resource)
    version = {
        "name": VERSION,
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        "additionalPrinterColumns": printer_columns(resource, schema),
        "schema": {"openAPIV3Schema": schema},
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{resource.plural}.{GROUP}"},
        "spec": {"group": GROUP, "names": _names(resource), "scope": "Namespaced", "versions": [version]},
    }


def root_schema(resource: Resource) -> dict[str, Any]:
    """The structural schema of a whole object of ``resource``."""
    rules = [_rule(each) for each in resource.rules]
    metadata: dict[str, Any] = {"type": "object"}
    if any("self.metadata.name" in each.rule for each in resource.rules):
        metadata["properties"] = {"name": dict(_NAME)}
    schema: dict[str, Any] = {
        "description": _said(resource.description, resource.kind),
        "type": "object",
        "required": ["spec"],
        "properties": {
            "apiVersion": {"description": "The version of this kind's schema.", "type": "string"},
            "kind": {"description": f"Always {resource.kind}.", "type": "string"},
            "metadata": metadata,
            "spec": structural_schema(resource.spec),
            "status": structural_schema(resource.status, bounded=False, defaults=False),
        },
    }
    if _OBSERVED in schema["properties"]["status"]["properties"]:
        # kstatus calls an object without a status Current; so it is InProgress until the operator has looked at it.
        schema["properties"]["status"]["default"] = {_OBSERVED: -1}
    for name in ("spec", "status"):
        docstring = getattr(resource, name).__doc__
        described = {"description": _said(docstring, f"{resource.kind}.{name}")}
        schema["properties"][name] = described | schema["properties"][name]
    if rules:
        schema[kw.VALIDATIONS] = checked_rules(rules, Place(resource.kind, bounded=False, refs=(resource.kind,)))
    return schema


def _names(resource: Resource) -> dict[str, Any]:
    return {
        "kind": resource.kind,
        "listKind": f"{resource.kind}List",
        "singular": resource.kind.lower(),
        "plural": resource.plural,
        "shortNames": list(resource.short_names),
        "categories": [CATEGORY],
    }


def _rule(rule: Rule) -> dict[str, Any]:
    return {"rule": rule.rule, "message": rule.message}


def _said(text: str | None, where: str) -> str:
    if not text or not text.strip():
        raise SchemaError(where, "has no description; say what it is")
    return " ".join(text.split())
