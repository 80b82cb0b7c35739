"""How sure a decision about a new revision must be, and what it is compared on."""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict, Field

from perennial.api.base import ApiModel, DnsLabel, Probability, Rule, cel

BELOW_HALF = Rule(
    "quantity(self).isLessThan(quantity('500m'))", "the chance of a wrong decision must be below 0.5: a coin has that"
)
BOUND_OF_LATENCY = Rule(
    "!has(self.slowerThanMilliseconds) || self.name == 'latency'", "slowerThanMilliseconds is of the metric latency"
)
MAX_NEEDS_A_BOUND = Rule(
    "!(self.name == 'latency' && has(self.max)) || has(self.slowerThanMilliseconds)",
    "max of latency needs slowerThanMilliseconds: a bound that is learned from the stable revision says nothing alone",
)
EACH_METRIC_ONCE = Rule("self.all(one, self.exists_one(other, other.name == one.name))", "name each metric once")


class MetricTarget(ApiModel):
    """A yes/no outcome of each request that the new revision is compared on."""

    model_config = ConfigDict(json_schema_extra=cel(BOUND_OF_LATENCY, MAX_NEEDS_A_BOUND))

    name: str = Field(
        pattern=r"^[a-z]([-a-z0-9]*[a-z0-9])?$",
        max_length=32,
        description="errors: answered with 4xx or 5xx, or not at all, beside the stable revision's. "
        "latency: slower than a bound. Other names are of metrics that the operator's owner configured.",
    )
    tolerance: Probability | None = Field(
        None,
        description="How much worse than the stable revision is still tolerated, as a difference of shares; "
        "when left out the stable revision's own rate, kept between 0.0005 and 0.005. "
        "A smaller tolerance needs more requests.",
    )
    max: Probability | None = Field(
        None,
        description="A bound on the new revision's own share of bad requests, whatever the stable revision's is: it is "
        "rolled back on evidence that it is above. Of errors only 5xx and no answer count for it.",
    )
    slower_than_milliseconds: int | None = Field(
        None,
        ge=1,
        le=600000,
        description="latency only: a slower answer is bad. Counted at the next edge above of the gateway's histogram; "
        "when left out the edge above the stable revision's 95th percentile before the rollout.",
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
        max_length=5,
        json_schema_extra=cel(EACH_METRIC_ONCE),
        description="What is compared. A promotion needs every metric; one that is worse is enough to roll back.",
    )
    source: DnsLabel | None = Field(
        None, description="Where it is counted: a source that the operator's owner configured; else the default one."
    )
    on_inconclusive: Literal["Hold", "RollBack", "Promote"] = Field(
        "Hold", description="What happens when maxDurationSeconds are over and nothing is decided."
    )
