"""What people may say about the containers that we make for them."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field

from perennial.api.base import ApiModel, ResourceName, Rule, cel

ResourceQuantity = Annotated[str, Field(pattern=r"^[0-9]+(\.[0-9]+)?(m|k|Ki|M|Mi|G|Gi|T|Ti)?$", max_length=32)]
ResourceMap = Annotated[
    dict[str, ResourceQuantity],
    Field(
        max_length=8,
        json_schema_extra=cel(
            Rule(
                "self.all(name, name in ['cpu', 'memory', 'ephemeral-storage'] || name.startsWith('hugepages-')"
                " || name.contains('/'))",
                "a resource is cpu, memory, ephemeral-storage, hugepages-SIZE or DOMAIN/NAME",
            )
        ),
    ),
]


class Resources(ApiModel):
    """CPU, memory and devices of a container, as in a pod."""

    model_config = ConfigDict(
        json_schema_extra=cel(
            Rule(
                "!has(self.requests) || !has(self.limits) || self.requests.all(name, !(name in self.limits)"
                " || !quantity(self.requests[name]).isGreaterThan(quantity(self.limits[name])))",
                "a request cannot be greater than the limit of the same resource",
            )
        )
    )

    requests: ResourceMap = Field(
        default_factory=dict, description='What is reserved, for example cpu: "1", memory: 1Gi.'
    )
    limits: ResourceMap = Field(default_factory=dict, description="What may not be exceeded.")


class KeyReference(ApiModel):
    """A key of a Secret or ConfigMap of the same namespace."""

    name: ResourceName = Field(description="The name of the Secret or ConfigMap.")
    key: str = Field(min_length=1, max_length=253, description="The key in it.")


class EnvVarSource(ApiModel):
    """Where an environment variable's value comes from."""

    model_config = ConfigDict(
        json_schema_extra=cel(
            Rule(
                "has(self.secretKeyRef) != has(self.configMapKeyRef)",
                "give exactly one of valueFrom.secretKeyRef and valueFrom.configMapKeyRef",
            )
        )
    )

    secret_key_ref: KeyReference | None = Field(None, description="A key of a Secret.")
    config_map_key_ref: KeyReference | None = Field(None, description="A key of a ConfigMap.")


class EnvVar(ApiModel):
    """One environment variable."""

    model_config = ConfigDict(
        json_schema_extra=cel(
            Rule(
                "has(self.value) != has(self.valueFrom)",
                "give an environment variable exactly one of value and valueFrom",
            ),
            Rule("!self.name.startsWith('PERENNIAL_')", "names that begin with PERENNIAL_ are set by Perennial"),
        )
    )

    name: str = Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=128, description="The variable's name.")
    value: str | None = Field(None, max_length=4096, description="Its value.")
    value_from: EnvVarSource | None = Field(None, description="A Secret or ConfigMap that holds its value.")


NAMED_ONCE = Rule(
    "self.all(each, self.exists_one(other, other.name == each.name))", "name each environment variable once"
)
