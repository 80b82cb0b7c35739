"""How traffic moves from one revision to the next."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from perennial.api.base import ApiModel, Rule, cel

ONE_STRATEGY = "give exactly one of strategy.canary, strategy.blueGreen, strategy.shadow and strategy.recreate"
GATE = (
    "Manual: what the evidence allows waits for a person, who names REVISION/STEP in spec.rollout.advance, or the "
    "revision in spec.rollout.promote."
)
Gate = Literal["Manual"]
Replicas = Annotated[int, Field(ge=1, le=100)] | Annotated[str, Field(pattern=r"^(Full|Proportional)$", max_length=12)]
STEPS_RISE = "the weights of the steps must rise"


class Step(ApiModel):
    """One weight on the way to all traffic."""

    weight: int = Field(ge=1, le=99, description="The share of requests that the new revision gets, in percent.")
    # No default of 0: in a list it would make what is stored another list than what was applied.
    min_seconds: int | None = Field(None, ge=0, le=604800, description="The step lasts at least this long.")
    gate: Gate | None = Field(None, description=GATE)


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
    weight: int | None = Field(
        None,
        ge=0,
        le=100,
        description="The share of requests that the new revision gets, set by hand, in percent: the operator goes "
        "there and no further, not even from 100. It is still rolled back when it is worse.",
    )
    replicas: Replicas = Field(
        "Full",
        description="How many pods the new revision has on its way. Full: as many as serving.replicas says. "
        "Proportional: as its next weight needs. A number: at least so many.",
    )


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


class BlueGreen(ApiModel):
    """The new revision is prepared without users' requests, then gets all of them in one change."""

    preview_seconds: int = Field(
        0, ge=0, le=604800, description="How long it stays ready for testers, who reach it by a header, before that."
    )


class Shadow(ApiModel):
    """The new revision gets copies of requests, whose answers nobody sees, and is judged on them."""

    percent: int = Field(ge=1, le=100, description="The share of requests that is copied to it, in percent.")
    gate: Gate | None = Field(None, description=GATE)


class Recreate(ApiModel):
    """The old revision ends before the new one starts: for models that do not fit twice. Nothing serves in between."""


class Strategy(ApiModel):
    """How traffic moves from one revision to the next."""

    model_config = ConfigDict(
        json_schema_extra=cel(
            Rule(
                "[has(self.canary), has(self.blueGreen), has(self.shadow), has(self.recreate)].exists_one(each, each)",
                ONE_STRATEGY,
            )
        )
    )

    canary: Canary | None = Field(None, description="In steps, each taken on evidence.")
    blue_green: BlueGreen | None = Field(None, description="All at once after a preview, without evidence.")
    shadow: Shadow | None = Field(None, description="All at once on evidence from copied requests.")
    recreate: Recreate | None = Field(None, description="The old revision ends before the new one starts.")
