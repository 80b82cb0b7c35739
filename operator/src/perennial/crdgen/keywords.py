"""Which keywords of JSON schema a structural schema has, and why the others are refused."""

from __future__ import annotations

from perennial.crdgen.source import VALIDATOR

VALIDATIONS = "x-kubernetes-validations"
LIST_TYPE = "x-kubernetes-list-type"
LIST_MAP_KEYS = "x-kubernetes-list-map-keys"
INT_OR_STRING = "x-kubernetes-int-or-string"
PRESERVE = "x-kubernetes-preserve-unknown-fields"

# Read for every type; title is pydantic's own and says nothing that the field's name does not.
COMMON = frozenset({"title", "description", "default", "type", VALIDATIONS})
STRINGS = frozenset({"minLength", "maxLength", "pattern", "format"})
INTEGERS = frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"})
BY_TYPE = {
    "string": STRINGS | {"enum"},
    "integer": INTEGERS | {"enum", "format"},
    "boolean": frozenset({"enum"}),
    "array": frozenset({"items", "minItems", "maxItems", "uniqueItems", LIST_TYPE, LIST_MAP_KEYS}),
    "object": frozenset(
        {"properties", "required", "additionalProperties", "minProperties", "maxProperties", "x-kubernetes-map-type"}
    ),
}
# Formats that mean the same to pydantic and to the apiserver.
FORMATS = frozenset({"date-time", "int32", "int64"})
# Strings of these formats are as long as the format makes them.
BOUNDED_FORMATS = frozenset({"date-time"})

RULE_KEYS = ("rule", "message", "messageExpression", "reason", "fieldPath", "optionalOldSelf")

WHY_REFUSED = {
    "prefixItems": "a tuple has no structural schema; use a list, or an object with named fields",
    "oneOf": "a union of models has no structural schema; use optional fields and a CEL rule over has()",
    "discriminator": "a tagged union has no structural schema; use optional fields and a CEL rule over has()",
    "allOf": "allOf cannot be told from pydantic's own; state the constraints on the field itself",
    "not": "not has no place here; state a CEL rule",
    "propertyNames": "a map's keys cannot be constrained in a structural schema; use str keys and a CEL rule",
    "patternProperties": "a map's keys cannot be constrained in a structural schema; use str keys and a CEL rule",
    VALIDATOR: "a validator in Python is unknown to the apiserver; state bounds on the field, or a CEL rule",
    "examples": "examples are not published; put the example into the description",
    "deprecated": "deprecated is not published; say it in the description",
}
WHY_FORMAT = {
    "duration": "a timedelta is not a field of the API; use an integer named fooSeconds",
    "binary": "bytes are not a field of the API; use a string",
}

# The order in which keywords are written: what a reader looks for first comes first.
ORDER = (
    "description",
    "type",
    "format",
    "enum",
    "default",
    "minimum",
    "exclusiveMinimum",
    "maximum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "pattern",
    "minItems",
    "maxItems",
    "minProperties",
    "maxProperties",
    INT_OR_STRING,
    PRESERVE,
    "x-kubernetes-map-type",
    LIST_TYPE,
    LIST_MAP_KEYS,
    "required",
    "properties",
    "additionalProperties",
    "items",
    VALIDATIONS,
)
