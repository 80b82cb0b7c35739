"""How a revision is served, and where users reach it."""

from __future__ import annotations

from pydantic import Field

from perennial.api.base import ApiModel, Image, NamespaceName, ResourceName, Rule, cel
from perennial.api.pods import NAMED_ONCE, EnvVar, Resources


class Serving(ApiModel):
    """The pods that serve a revision. A change of any of it is a rollout like a new version."""

    image: Image | None = Field(
        None, description="The model server's image; Perennial's own when left out. Name it by digest or a fixed tag."
    )
    resources: Resources | None = Field(None, description="CPU and memory of the model server.")
    env: list[EnvVar] = Field(
        default_factory=list,
        max_length=64,
        json_schema_extra=cel(
            NAMED_ONCE,
            Rule(
                "self.all(each, !(each.name in ['HOME', 'INFERENCE_SERVICE_NAME']))",
                "HOME and INFERENCE_SERVICE_NAME are set by Perennial and KServe",
            ),
        ),
        description="Environment variables for the model server.",
    )
    replicas: int = Field(1, ge=1, le=100, description="How many pods serve each revision that has users' traffic.")
    ready_deadline_seconds: int = Field(
        600, ge=10, le=86400, description="A revision that is not ready after so long is given up."
    )


class GatewayReference(ApiModel):
    """The Gateway that users' requests come through."""

    name: ResourceName = Field(description="The Gateway's name.")
    namespace: NamespaceName | None = Field(
        None, description="Its namespace; that of the ModelDeployment when left out."
    )


class Router(ApiModel):
    """Where users reach the model."""

    gateway_ref: GatewayReference = Field(description="The Gateway (Gateway API) that users' requests come through.")
    hostname: str = Field(
        pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$",
        max_length=253,
        json_schema_extra=cel(
            Rule(
                "self.matches('^[-.a-z0-9]+$') && !self.matches('^[0-9.]+$')"
                " && self.split('.').all(label, size(label) <= 63)",
                "hostname is one DNS name in lower case: no wildcard, address, port or path,"
                " and at most 63 characters between two dots",
            )
        ),
        description="The host name of the model's address, for example flights.example.com.",
    )
