"""The condition types of all kinds and what their status fields hold.

Which condition is present when is a table in ``docs/conditions.md``; the reasons stand beside the kind that uses them.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from perennial.api.base import ApiModel

READY = "Ready"
SUCCEEDED = "Succeeded"
UP_TO_DATE = "UpToDate"
GATEWAY_READY = "GatewayReady"
DECIDABLE = "Decidable"
VERIFIED = "Verified"
DATA_READY = "DataReady"
GATES_PASSED = "GatesPassed"
# Present only while true, as kstatus and Argo CD expect.
RECONCILING = "Reconciling"
STALLED = "Stalled"


class Condition(ApiModel):
    """One observation of an object's state, in the form of ``metav1.Condition``."""

    type: str = Field(max_length=64, description="What is observed, for example Ready.")
    status: Literal["True", "False", "Unknown"] = Field(description="Whether it is so.")
    reason: str = Field(max_length=64, description="One word for programs: why it is so.")
    message: str = Field(max_length=2048, description="One sentence for people: why it is so and what to do.")
    observed_generation: int | None = Field(None, description="The generation of the spec that was looked at.")
    last_transition_time: str = Field(
        json_schema_extra={"format": "date-time"}, description="When the status of this condition last changed."
    )


Conditions = Annotated[
    list[Condition],
    Field(
        max_length=16,
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]},
        description="What is true of this object now; wait for one with `kubectl wait --for=condition=TYPE`.",
    ),
]
