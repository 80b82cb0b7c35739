"""How traffic moves from one revision to the next."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from perennial.api.base import ApiModel, Rule, cel

STEPS_RISE = "the weights of the steps must rise"


class Step(ApiModel):
    """One weight on the way to all traffic."""

    weight: int = Field(ge=1, le=99, description="The share of requests that the new revision gets, in percent.")
    # No default of 0: in a list it would make what is stored another list than what was applied.
    min_seconds: int | None = Field(None, ge=0, le=604800, description="The step lasts at least this long.")


class Canary(ApiModel):
    """Traffic moves to a new revision in steps, each taken on evidence."""

    steps: Annotated[
        list[Step],
        Field(
            min_length=1,
            max_length=20,
            json_schema_extra=cel(
                Rule(
                    "self.all(i, step, i == 0 || self[i - 1].weight < step.weight)",
                    STEPS_RISE,
                )
            ),
            description="The weights on the way; after the last one the new revision gets everything.",
        ),
    ] = Field(default_factory=lambda: [Step(weight=each) for each in (5, 10, 25, 50)])


class Bake(ApiModel):
    """How long a promoted revision is still compared with the one before it, and can be taken back in one write."""

    seconds: int = Field(
        600, ge=0, le=604800, description="How long; 0: the old revision is only kept ready, without requests."
    )
    holdback_percent: int = Field(
        2,
        ge=0,
        le=49,
        description="The share of requests that the old revision keeps meanwhile, to compare with, in percent; never "
        "more than it has at the last step.",
    )


class Strategy(ApiModel):
    """How traffic moves from one revision to the next."""

    canary: Canary | None = Field(None, description="In steps, each taken on evidence.")
