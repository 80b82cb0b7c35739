"""ModelDeployment: a stable address in front of the revisions of one model, and how traffic moves between them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from perennial.api.analysis import Analysis
from perennial.api.base import ApiModel, Column, DnsLabel, Resource, Rule, cel
from perennial.api.modeldeployment_status import ModelDeploymentStatus
from perennial.api.serving import Router, Serving
from perennial.api.strategy import Bake, Strategy

# Reasons of Ready and UpToDate.
SERVING = "Serving"
STARTING = "Starting"
NOTHING_SERVES = "NothingServes"
TARGET_SERVES = "TargetServes"
BAKING = "Baking"
ROLLING_OUT = "RollingOut"
# Reasons of Reconciling; while a canary gets traffic the reasons of a Hold stand here (perennial.rollout).
PREPARING = "Preparing"
PREFLIGHT = "Preflight"
STEPPING = "Stepping"
WITHDRAWN = "Withdrawn"
PREVIEW = "Preview"
# Reasons of Decidable.
UNDECIDABLE_IN_TIME = "UndecidableInTime"
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


ONE_TARGET = "give exactly one of version (a number, which pins it) and follow: LatestApproved"


# A revision is a hash (lower-case base32), as `status.canary.revision` shows it.
RevisionName = Annotated[str, Field(pattern=r"^[a-z0-9]+$", min_length=1, max_length=63)]


class RolloutByHand(ApiModel):
    """What people say of one rollout. The operator never writes here, and values that are left over do nothing."""

    promote: RevisionName | None = Field(
        None,
        description="A revision (status.canary.revision) that takes over as soon as it is ready and passed its "
        "preflight, whatever the evidence, the steps' times and paused say. Once for as long as it stands here.",
    )
    advance: str | None = Field(
        None,
        pattern=r"^[a-z0-9]+/[0-9]{1,2}$",
        max_length=66,
        description="REVISION/STEP (status.canary.revision and .step): this revision may pass the gates of its steps "
        "up to this one. The evidence is waited for all the same.",
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
                "!has(self.strategy) || !has(self.strategy.canary) || self.strategy.canary.steps.map(step,"
                " has(step.minSeconds) ? step.minSeconds : 0).sum() < self.analysis.maxDurationSeconds",
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
    # No default in the schema: it would stand beside another strategy that is chosen later, and one is allowed.
    strategy: Strategy | None = Field(
        None, description="How traffic moves from one revision to the next; a canary in steps when left out."
    )
    analysis: Analysis = Field(default_factory=Analysis, description="How sure a decision must be.")
    bake: Bake = Field(default_factory=Bake, description="What follows a promotion.")
    scale_down_seconds: int = Field(
        600,
        ge=0,
        le=604800,
        description="How long after the bake the old revision is kept ready; going back is at once.",
    )
    paused: bool = Field(
        False,
        description="While true no rollout begins and no request moves to a new revision. A bad one is still rolled "
        "back, going back to the stable version still works, and the first version still starts.",
    )
    rollout: RolloutByHand = Field(
        default_factory=RolloutByHand, description="What people decide about the rollout, instead of the evidence."
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
        Column("Waiting", '.status.conditions[?(@.type=="Reconciling")].reason', priority=1),
        Column("Stalled", '.status.conditions[?(@.type=="Stalled")].reason', priority=1),
        Column(
            "Expected-Seconds",
            ".status.analysis.expectedSeconds",
            "integer",
            priority=1,
            description="Until a good version is promoted, at the traffic seen.",
        ),
        Column("Why", '.status.conditions[?(@.type=="UpToDate")].message', priority=1),
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
