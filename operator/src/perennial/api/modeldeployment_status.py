"""What is known of a ModelDeployment: which revisions serve, and how the rollout goes."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from perennial.api.base import ApiModel
from perennial.api.conditions import Conditions

Outcome = Literal["Deployed", "Promoted", "RolledBack", "Withdrawn", "Superseded"]


class RevisionStatus(ApiModel):
    """A revision that has pods."""

    version: int = Field(description="Its version.")
    version_uid: str | None = Field(
        None, max_length=64, description="The uid of its ModelVersion: a number may be given again."
    )
    revision: str = Field(max_length=32, description="The revision: a hash of the version and of how it is served.")
    inference_service: str = Field(max_length=63, description="Its InferenceService.")


class CanaryStatus(RevisionStatus):
    """The revision that is being rolled out."""

    weight: int = Field(description="The share of requests that it gets, in percent.")
    mirror: int | None = Field(None, description="The share of requests that is copied to it (shadow), in percent.")
    step: int = Field(description="The step it is at, from 0; -1 before the first.")
    since: str = Field(json_schema_extra={"format": "date-time"}, description="When it came to this step.")
    started: str = Field(json_schema_extra={"format": "date-time"}, description="When its rollout began.")


class PreviousStatus(RevisionStatus):
    """The revision that served before, kept ready for a while."""

    weight: int = Field(0, description="The share of requests that it keeps during the bake, in percent.")
    since: str | None = Field(
        None, json_schema_extra={"format": "date-time"}, description="When the stable revision took over from it."
    )
    started: str | None = Field(
        None, json_schema_extra={"format": "date-time"}, description="When the rollout of the stable revision began."
    )
    bake_until: str | None = Field(
        None,
        json_schema_extra={"format": "date-time"},
        description="When the bake ends; absent where there is none, or no more.",
    )
    until: str = Field(json_schema_extra={"format": "date-time"}, description="When it is removed.")


class WithdrawnStatus(RevisionStatus):
    """A revision that was taken out of a rollout for what was not its fault, and is tried again."""

    times: int = Field(description="How often it was taken out; each time it waits longer.")
    retry_at: str = Field(json_schema_extra={"format": "date-time"}, description="When it is tried again.")
    message: str = Field(max_length=1024, description="Why it was taken out, in a sentence.")


class Disturbance(ApiModel):
    """A time in which a pod of a compared revision was being taken away; its requests are not counted."""

    since: str = Field(json_schema_extra={"format": "date-time"}, description="When it began.")
    until: str | None = Field(
        None, json_schema_extra={"format": "date-time"}, description="When it was over; absent while it lasts."
    )


class MetricStatus(ApiModel):
    """The comparison on one metric, in numbers that a person can check."""

    name: str = Field(max_length=32, description="The metric.")
    stable: str = Field(max_length=64, description="The stable revision: bad of all requests compared.")
    canary: str = Field(max_length=64, description="The new revision: bad of all requests compared.")
    evidence: str = Field(
        max_length=128, description="Evidence for rolling back and for advancing, as odds, beside what each needs."
    )
    note: str | None = Field(None, max_length=128, description="How it is counted, where the name does not say it.")


class AnalysisStatus(ApiModel):
    """The last decision about the rollout."""

    verdict: str = Field(max_length=32, description="Advance, Promote, RollBack, Withdraw or Hold.")
    reason: str = Field(max_length=64, description="One word for programs: why.")
    message: str = Field(max_length=1024, description="The same as a sentence for people.")
    metrics: list[MetricStatus] = Field(
        default_factory=list, max_length=8, description="The comparison on each metric."
    )
    expected_seconds: int | None = Field(
        None, description="Time until the promotion of a healthy revision, for the traffic seen."
    )
    time: str = Field(json_schema_extra={"format": "date-time"}, description="When these numbers were written here.")
    checkpoint: str | None = Field(
        None, max_length=8192, description="The evidence so far, from which a restarted operator goes on."
    )


class HistoryEntry(ApiModel):
    """One rollout that is over."""

    version: int = Field(description="Its version.")
    version_uid: str | None = Field(None, max_length=64, description="The uid of its ModelVersion.")
    revision: str = Field(max_length=32, description="Its revision.")
    outcome: Outcome = Field(description="How it ended.")
    time: str = Field(json_schema_extra={"format": "date-time"}, description="When it ended.")
    message: str = Field(max_length=1024, description="Why, in a sentence.")


class ModelDeploymentStatus(ApiModel):
    """What serves now and how the rollout goes."""

    observed_generation: int | None = Field(None, description="The generation of the spec that was looked at.")
    conditions: Conditions = Field(default_factory=list)
    stable: RevisionStatus | None = Field(None, description="The revision that serves users.")
    canary: CanaryStatus | None = Field(None, description="The revision that is being rolled out.")
    previous: PreviousStatus | None = Field(None, description="The revision that served before.")
    withdrawn: WithdrawnStatus | None = Field(
        None, description="The wanted revision, if it was taken out for what was not its fault."
    )
    disturbances: list[Disturbance] = Field(
        default_factory=list,
        max_length=16,
        json_schema_extra={"x-kubernetes-list-type": "atomic"},
        description="While two revisions are compared: the times that are left out because pods were taken away.",
    )
    analysis: AnalysisStatus | None = Field(None, description="The last decision about the rollout.")
    history: list[HistoryEntry] = Field(
        default_factory=list,
        max_length=10,
        json_schema_extra={"x-kubernetes-list-type": "atomic"},
        description="The last rollouts, newest first.",
    )
    url: str | None = Field(None, max_length=512, description="The address for users.")
    internal_url: str | None = Field(
        None, max_length=512, description="The gateway's Service inside the cluster; send the host name as Host header."
    )
