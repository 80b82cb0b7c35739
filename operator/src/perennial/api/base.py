"""What every kind of the API shares: how a resource, its columns and its rules are described."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

GROUP = "perennial.dev"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"


class ApiModel(BaseModel):
    """A part of a spec or a status: snake_case in Python, camelCase in Kubernetes.

    Unknown fields are ignored when an object is read: a newer operator may have written them.
    """

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True, hide_input_in_errors=True)


@dataclass(frozen=True)
class Rule:
    """A CEL rule that the apiserver enforces, and the sentence people get when it is broken.

    A rule that names ``oldSelf`` runs on updates only.
    """

    rule: str
    message: str


def cel(*rules: Rule) -> dict[str, Any]:
    """JSON schema extras that carry CEL rules, for ``Field`` and ``ConfigDict``."""
    return {"x-kubernetes-validations": [{"rule": each.rule, "message": each.message} for each in rules]}


@dataclass(frozen=True)
class Column:
    """A printer column of ``kubectl get``; those of priority 1 appear with ``-o wide`` only."""

    name: str
    path: str
    type: str = "string"
    priority: int = 0
    description: str = ""


@dataclass(frozen=True)
class Resource:
    """A kind as the apiserver must know it."""

    kind: str
    plural: str
    short_names: tuple[str, ...]
    description: str
    spec: type[ApiModel]
    status: type[ApiModel]
    columns: tuple[Column, ...]
    rules: tuple[Rule, ...] = ()


# A quantity such as "0.01", "10m" or "1": how the API writes numbers that are not whole. Its exponent is short, so that
# none is infinite.
Quantity = Annotated[str, Field(pattern=r"^[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,2}|m)?$", max_length=32)]
Probability = Annotated[
    str,
    Field(
        pattern=r"^(0?\.[0-9]*[1-9][0-9]*|[1-9][0-9]{0,2}m)$",
        max_length=16,
        description='A number between 0 and 1, written as "0.01" or in thousandths as "10m".',
    ),
]
DnsLabel = Annotated[str, Field(pattern=r"^[a-z]([-a-z0-9]*[a-z0-9])?$", min_length=1, max_length=40)]
ResourceName = Annotated[str, Field(pattern=r"^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$", min_length=1, max_length=253)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", min_length=64, max_length=64)]
# No part of the path begins with a dot, so that none can lead out of the folder that it names.
PVC_URI_PATTERN = r"^pvc://[a-z0-9]([-.a-z0-9]*[a-z0-9])?(/[A-Za-z0-9_=+-][A-Za-z0-9._=+-]*)*$"
PvcUri = Annotated[
    str,
    Field(
        pattern=PVC_URI_PATTERN,
        max_length=512,
        json_schema_extra=cel(
            Rule(
                f"self.matches('{PVC_URI_PATTERN}')",
                "write an address as pvc://CLAIM/PATH, with letters, digits and . _ = + - in the parts of its path,"
                " none of which begins with a dot",
            )
        ),
    ),
]
NamespaceName = Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", min_length=1, max_length=63)]
Image = Annotated[
    str,
    Field(
        min_length=1,
        max_length=512,
        json_schema_extra=cel(
            Rule("self.matches('^[!-~]+$')", "an image's name has no spaces and none but the letters of ASCII")
        ),
    ),
]


def number(quantity: str) -> float:
    """The value of a `Quantity` or `Probability`: ``"10m"`` is 0.01."""
    return float(quantity[:-1]) / 1000 if quantity.endswith("m") else float(quantity)
