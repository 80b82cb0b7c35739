"""How sure a decision about a new revision must be, and what it is compared on."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from perennial.api.base import ApiModel, Probability, Rule, cel

BELOW_HALF = Rule(
    "quantity(self).isLessThan(quantity('500m'))", "the chance of a wrong decision must be below 0.5: a coin has that"
)


class MetricTarget(ApiModel):
    """A yes/no outcome of each request that the new revision is compared on."""

    name: Literal["errors"] = Field(
        description="errors: answered with 4xx or 5xx, or not at all, at the gateway, beside the stable revision's."
    )
    tolerance: Probability | None = Field(
        None,
        description="How much worse than the stable revision is still tolerated, as a difference of shares; "
        "when left out the stable revision's own rate, kept between 0.0005 and 0.005. "
        "A smaller tolerance needs more requests.",
    )


class Analysis(ApiModel):
    """How sure a decision about a new revision must be."""

    false_rollback: Probability = Field(
        "0.01",
        json_schema_extra=cel(BELOW_HALF),
        description="The chance, at most, of ever rolling back a revision that is no worse than the stable one.",
    )
    miss: Probability = Field(
        "0.05",
        json_schema_extra=cel(BELOW_HALF),
        description="The chance, at most, of promoting a revision that is worse by the tolerance.",
    )
    warm_up_seconds: int = Field(
        600, ge=0, le=86400, description="How long the stable revision is watched before a new one is compared with it."
    )
    max_duration_seconds: int = Field(
        14400, ge=60, le=2592000, description="A rollout that is undecided after so long holds and asks for a person."
    )
    metrics: list[MetricTarget] = Field(
        default_factory=lambda: [MetricTarget(name="errors", tolerance=None)],
        min_length=1,
        max_length=1,
        description="What is compared.",
    )
