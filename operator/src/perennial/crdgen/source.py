"""The JSON schema of a model as pydantic gives it, with what it hides.

Pydantic writes ``Any``, ``object``, ``list`` and ``dict`` alike, as a schema that allows everything; it is silent
about validators in Python; and it leaves defaults out that a factory makes. Here ``Any`` and validators are marked,
the careless forms are refused, and factories are called.
A docstring speaks to readers of the Python, so it describes no field: the field that uses the model does.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from perennial.crdgen.errors import SchemaError

ANY = "x-perennial-any"
VALIDATOR = "x-perennial-validator"
_BARE = (object, list, dict, set, frozenset, tuple)


class _Generator(GenerateJsonSchema):
    def any_schema(self, schema: core_schema.AnySchema) -> JsonSchemaValue:
        return {**super().any_schema(schema), ANY: True}

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        # Left in place, the docstring would also swallow a field's description that happens to be the same.
        return {key: value for key, value in super().model_schema(schema).items() if key != "description"}

    def function_after_schema(self, schema: core_schema.AfterValidatorFunctionSchema) -> JsonSchemaValue:
        return {**super().function_after_schema(schema), VALIDATOR: True}

    def function_before_schema(self, schema: core_schema.BeforeValidatorFunctionSchema) -> JsonSchemaValue:
        return {**super().function_before_schema(schema), VALIDATOR: True}

    def function_wrap_schema(self, schema: core_schema.WrapValidatorFunctionSchema) -> JsonSchemaValue:
        return {**super().function_wrap_schema(schema), VALIDATOR: True}

    def get_default_value(self, schema: core_schema.WithDefaultSchema) -> Any:
        if "default_factory" in schema and not schema.get("default_factory_takes_data"):
            factory: Any = schema["default_factory"]
            return factory()
        return super().get_default_value(schema)


def json_schema(model: type[BaseModel]) -> dict[str, Any]:
    """The JSON schema of ``model`` with the names of the API (aliases), as its users write it.

    Raises `SchemaError` for a field whose type does not say what it holds.
    """
    for each in _models(model, set()):
        for name, field in each.model_fields.items():
            _refuse_bare(field.annotation, f"{each.__name__}.{field.alias or name}")
    return model.model_json_schema(by_alias=True, schema_generator=_Generator, mode="validation")


def _models(annotation: Any, seen: set[Any]) -> Iterator[type[BaseModel]]:
    """Every model that ``annotation`` mentions, each once."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        if annotation in seen:
            return
        seen.add(annotation)
        yield annotation
        for field in annotation.model_fields.values():
            yield from _models(field.annotation, seen)
        return
    for argument in get_args(annotation):
        yield from _models(argument, seen)


def _refuse_bare(annotation: Any, where: str) -> None:
    if annotation in _BARE:
        name = annotation.__name__
        raise SchemaError(where, f"{name} does not say what it holds; name the type, or Any where anything may stand")
    for argument in get_args(annotation):
        _refuse_bare(argument, where)
