"""ModelDeployment: a stable address in front of the revisions of one model, and how traffic moves between them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from perennial.api.base import (
    ApiModel,
    Column,
    DnsLabel,
    Image,
    NamespaceName,
    Probability,
    Resource,
    ResourceName,
    Rule,
    cel,
)
from perennial.api.conditions import Conditions
from perennial.api.pods import NAMED_ONCE, EnvVar, Resources

# Reasons of Ready and UpToDate.
SERVING = "Serving"
STARTING = "Starting"
NOTHING_SERVES = "NothingServes"
TARGET_SERVES = "TargetServes"
ROLLING_OUT = "RollingOut"
# Reasons of Reconciling; while a canary gets traffic the reasons of a Hold stand here (perennial.rollout).
PREPARING = "Preparing"
PREFLIGHT = "Preflight"
STEPPING = "Stepping"
# Reasons of Stalled.
ROLLED_BACK = "RolledBack"
NO_VERSION = "NoVersion"
VERSION_NOT_USABLE = "VersionNotUsable"
NAME_TAKEN = "NameTaken"
KSERVE_NOT_INSTALLED = "KServeNotInstalled"
REVISION_FAILED = "RevisionFailed"
CHILD_REFUSED = "ChildRefused"
SPEC_INVALID = "SpecInvalid"
PERMISSION_MISSING = "PermissionMissing"
# Reasons of GatewayReady.
ROUTE_ACCEPTED = "RouteAccepted"
ROUTE_PENDING = "RoutePending"
GATEWAY_NOT_FOUND = "GatewayNotFound"
GATEWAY_NOT_INSTALLED = "GatewayNotInstalled"
GATEWAY_NOT_READY = "GatewayNotReady"
ROUTE_REFUSED = "RouteRefused"
BACKENDS_NOT_MERGED = "BackendsNotMerged"


STEPS_RISE = "the weights of the steps must rise"
ONE_TARGET = "give exactly one of version (a number, which pins it) and follow: LatestApproved"
BELOW_HALF = Rule(
    "quantity(self).isLessThan(quantity('500m'))", "the chance of a wrong decision must be below 0.5: a coin has that"
)


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


class Strategy(ApiModel):
    """How traffic moves from one revision to the next."""

    canary: Canary = Field(default_factory=Canary, description="In steps, each taken on evidence.")


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


# A revision is a hash (lower-case base32), as `status.canary.revision` shows it.
RevisionName = Annotated[str, Field(pattern=r"^[a-z0-9]+$", min_length=1, max_length=63)]


class RolloutByHand(ApiModel):
    """What people say of one rollout. The operator never writes here, and values that are left over do nothing."""

    promote: RevisionName | None = Field(
        None,
        description="A revision (status.canary.revision) that takes over as soon as it is ready and passed its "
        "preflight, whatever the evidence, the steps' times and paused say. Once for as long as it stands here.",
    )
    reject: RevisionName | None = Field(
        None,
        description="A revision (status.canary.revision) that is rolled back at once and remembered like any other "
        "that was. What serves is never taken away by it.",
    )
    retry: str | None = Field(
        None,
        pattern=r"^[!-~]([ -~]*[!-~])?$",
        min_length=1,
        max_length=63,
        description="Any text that was not here before, a date for example: the wanted revision, if it was rolled "
        "back, is tried once more, with fresh evidence.",
    )


class ModelDeploymentSpec(ApiModel):
    """Which version of a model serves, where, and how the next one takes over."""

    model_config = ConfigDict(
        json_schema_extra=cel(
            Rule(
                "has(self.version) != has(self.follow)",
                ONE_TARGET,
            ),
            Rule(
                "self.strategy.canary.steps.map(step, has(step.minSeconds) ? step.minSeconds : 0).sum()"
                " < self.analysis.maxDurationSeconds",
                "analysis.maxDurationSeconds must be longer than the steps' minSeconds together,"
                " or no rollout could ever end",
            ),
            Rule(
                "self.modelName == oldSelf.modelName",
                "modelName cannot be changed; create another ModelDeployment",
            ),
        )
    )

    model_name: DnsLabel = Field(description="The model whose versions are served.")
    version: int | None = Field(
        None, ge=1, le=2147483647, description="The version to serve: pins it, as an approval does."
    )
    follow: Literal["LatestApproved"] | None = Field(
        None, description="LatestApproved: serve the highest version that is Approved and Verified."
    )
    serving: Serving = Field(default_factory=Serving, description="The pods that serve a revision.")
    router: Router = Field(description="Where users reach the model.")
    strategy: Strategy = Field(default_factory=Strategy, description="How traffic moves from one revision to the next.")
    analysis: Analysis = Field(default_factory=Analysis, description="How sure a decision must be.")
    scale_down_seconds: int = Field(
        600, ge=0, le=604800, description="How long the old revision is kept ready after the new one took over."
    )
    paused: bool = Field(
        False,
        description="While true no rollout begins and no request moves to a new revision. A bad one is still rolled "
        "back, going back to the stable version still works, and the first version still starts.",
    )
    rollout: RolloutByHand = Field(
        default_factory=RolloutByHand, description="What people decide about the rollout, instead of the evidence."
    )


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
    step: int = Field(description="The step it is at, from 0; -1 before the first.")
    since: str = Field(json_schema_extra={"format": "date-time"}, description="When it came to this step.")
    started: str = Field(json_schema_extra={"format": "date-time"}, description="When its rollout began.")


class PreviousStatus(RevisionStatus):
    """The revision that served before, kept ready for a while."""

    until: str = Field(json_schema_extra={"format": "date-time"}, description="When it is removed.")


class MetricStatus(ApiModel):
    """The comparison on one metric, in numbers that a person can check."""

    name: str = Field(max_length=32, description="The metric.")
    stable: str = Field(max_length=64, description="The stable revision: bad of all requests compared.")
    canary: str = Field(max_length=64, description="The new revision: bad of all requests compared.")
    evidence: str = Field(
        max_length=128, description="Evidence for rolling back and for advancing, as odds, beside what each needs."
    )


class AnalysisStatus(ApiModel):
    """The last decision about the rollout."""

    verdict: str = Field(max_length=32, description="Advance, Promote, RollBack or Hold.")
    reason: str = Field(max_length=64, description="One word for programs: why.")
    message: str = Field(max_length=1024, description="The same as a sentence for people.")
    metrics: list[MetricStatus] = Field(
        default_factory=list, max_length=8, description="The comparison on each metric."
    )
    time: str = Field(json_schema_extra={"format": "date-time"}, description="When these numbers were written here.")
    checkpoint: str | None = Field(
        None, max_length=4096, description="The evidence so far, from which a restarted operator goes on."
    )


class HistoryEntry(ApiModel):
    """One rollout that is over."""

    version: int = Field(description="Its version.")
    version_uid: str | None = Field(None, max_length=64, description="The uid of its ModelVersion.")
    revision: str = Field(max_length=32, description="Its revision.")
    outcome: Literal["Deployed", "Promoted", "RolledBack", "Superseded"] = Field(description="How it ended.")
    time: str = Field(json_schema_extra={"format": "date-time"}, description="When it ended.")
    message: str = Field(max_length=1024, description="Why, in a sentence.")


class ModelDeploymentStatus(ApiModel):
    """What serves now and how the rollout goes."""

    observed_generation: int | None = Field(None, description="The generation of the spec that was looked at.")
    conditions: Conditions = Field(default_factory=list)
    stable: RevisionStatus | None = Field(None, description="The revision that serves users.")
    canary: CanaryStatus | None = Field(None, description="The revision that is being rolled out.")
    previous: PreviousStatus | None = Field(None, description="The revision that served before.")
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


MODEL_DEPLOYMENT = Resource(
    kind="ModelDeployment",
    plural="modeldeployments",
    short_names=("mdep",),
    description="A stable address in front of the revisions of one model; traffic moves between them on evidence.",
    spec=ModelDeploymentSpec,
    status=ModelDeploymentStatus,
    columns=(
        Column("Model", ".spec.modelName"),
        Column("Stable", ".status.stable.version", "integer"),
        Column("Canary", ".status.canary.version", "integer"),
        Column("Weight", ".status.canary.weight", "integer"),
        Column("Verdict", ".status.analysis.verdict"),
        Column("Ready", '.status.conditions[?(@.type=="Ready")].status'),
        Column("Age", ".metadata.creationTimestamp", "date"),
        Column("Stalled", '.status.conditions[?(@.type=="Stalled")].reason', priority=1),
        Column("Why", ".status.analysis.message", priority=1),
        Column("URL", ".status.url", priority=1),
    ),
    rules=(
        Rule(
            "size(self.metadata.name) <= 36 && self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",
            "name a ModelDeployment with at most 36 lower-case letters, digits and dashes, beginning with a letter:"
            " the names of its pods are built from it",
        ),
    ),
)
