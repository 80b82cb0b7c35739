"""CustomResourceDefinitions from the pydantic types of `perennial.api`.

The generator is strict: what a structural schema cannot say is refused with a `SchemaError` that names the model
and the field, so that the types in Python and the schema at the apiserver never mean different things.
"""

from perennial.crdgen.crd import custom_resource_definition
from perennial.crdgen.errors import SchemaError
from perennial.crdgen.schema import structural_schema

__all__ = ["SchemaError", "custom_resource_definition", "structural_schema"]
