"""ModelVersion: the registry's entry for one version of a model."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from perennial.api.base import ApiModel, Column, DnsLabel, PvcUri, Quantity, Resource, ResourceName, Rule, Sha256, cel
from perennial.api.conditions import Conditions

# Reasons of Ready, Verified, GatesPassed, Reconciling and Stalled.
USABLE = "Usable"
NOT_APPROVED = "NotApproved"
NOT_VERIFIED = "NotVerified"
REJECTED = "Rejected"
DIGEST_FROM_RUN = "DigestFromRun"
DIGEST_CHECKED = "DigestChecked"
VERIFYING = "Verifying"
DIGEST_MISMATCH = "DigestMismatch"
VERIFICATION_FAILED = "VerificationFailed"
NAME_TAKEN = "NameTaken"
ARTIFACT_NOT_FOUND = "ArtifactNotFound"
CHILD_REFUSED = "ChildRefused"

GREATEST_VERSION = 2147483647
Metrics = Annotated[
    dict[str, Quantity],
    Field(max_length=20, description="Metrics on the hold-out, by name."),
]


class Artifact(ApiModel):
    """The model's files."""

    uri: PvcUri = Field(
        description="The folder of the files, as pvc://CLAIM/PATH. It may move: the digest pins its bytes."
    )
    sha256: Sha256 = Field(
        description="The SHA-256 of the folder's manifest.json, which lists the digest of each file."
    )
    content_digest: Sha256 | None = Field(
        None, description="A digest of what the model is, equal for two trainings that made the same model."
    )
    format: Literal["skops"] = Field("skops", description="How the model is written down.")
    framework: str | None = Field(None, max_length=128, description="What made it, for example scikit-learn 1.9.1.")
    size_bytes: int | None = Field(None, ge=0, description="The size of all files, in bytes.")


class Lineage(ApiModel):
    """What a model was made of."""

    image: str | None = Field(None, max_length=512, description="The image that trained it.")
    data_uri: str | None = Field(None, max_length=512, description="Where its data was read.")
    data_digest: Sha256 | None = Field(None, description="The SHA-256 of the data's bytes.")
    data_rows: int | None = Field(None, ge=0, description="How many rows the data had.")
    params: Annotated[
        dict[str, Annotated[str, Field(max_length=256)]], Field(max_length=64, description="Its hyperparameters.")
    ] = Field(default_factory=dict)
    seed: int | None = Field(None, ge=0, description="The seed of its random choices.")
    threads: int | None = Field(None, ge=1, description="The threads that numeric libraries used.")
    packages_digest: Sha256 | None = Field(None, description="The SHA-256 of the list of installed packages.")


class RunReference(ApiModel):
    """The TrainingRun that made a version."""

    name: ResourceName = Field(description="The run's name.")
    uid: str = Field(max_length=64, description="The run's uid: a run of the same name made later is another run.")


class Approval(ApiModel):
    """Whether people let this version serve."""

    decision: Literal["Pending", "Approved", "Rejected"] = Field(
        "Pending", description="Approved versions may be deployed; change this to approve or reject the version."
    )
    by: str | None = Field(None, max_length=253, description="Who decided.")
    reason: str | None = Field(None, max_length=1024, description="Why, in a sentence.")


class ModelVersionSpec(ApiModel):
    """What the version is. Only the approval and the artifact's address can be changed."""

    model_config = ConfigDict(
        json_schema_extra=cel(
            Rule(
                "self.modelName == oldSelf.modelName && self.version == oldSelf.version",
                "modelName and version cannot be changed; create another ModelVersion",
            ),
            Rule(
                "self.artifact.sha256 == oldSelf.artifact.sha256 && self.artifact.format == oldSelf.artifact.format"
                + "".join(
                    f" && has(self.artifact.{name}) == has(oldSelf.artifact.{name})"
                    f" && (!has(self.artifact.{name}) || self.artifact.{name} == oldSelf.artifact.{name})"
                    for name in ("contentDigest", "framework", "sizeBytes")
                ),
                "the artifact's bytes cannot be changed; create another ModelVersion",
            ),
            Rule(
                "has(self.lineage) == has(oldSelf.lineage) && (!has(self.lineage) || self.lineage == oldSelf.lineage)",
                "lineage cannot be changed",
            ),
            Rule(
                "has(self.metrics) == has(oldSelf.metrics) && (!has(self.metrics) || self.metrics == oldSelf.metrics)",
                "metrics cannot be changed",
            ),
            Rule(
                "has(self.trainingRunRef) == has(oldSelf.trainingRunRef)"
                " && (!has(self.trainingRunRef) || self.trainingRunRef == oldSelf.trainingRunRef)",
                "trainingRunRef cannot be changed",
            ),
        )
    )

    model_name: DnsLabel = Field(description="The model that this is a version of.")
    version: int = Field(
        ge=1, le=GREATEST_VERSION, description="The version's number; the object is named MODELNAME-VERSION."
    )
    artifact: Artifact = Field(description="The model's files.")
    metrics: Metrics = Field(default_factory=dict)
    lineage: Lineage | None = Field(None, description="What the model was made of.")
    training_run_ref: RunReference | None = Field(None, description="The TrainingRun that made it; none for an import.")
    approval: Approval = Field(default_factory=Approval, description="Whether people let this version serve.")


class ModelVersionStatus(ApiModel):
    """What is known of the version now."""

    observed_generation: int | None = Field(None, description="The generation of the spec that was looked at.")
    conditions: Conditions = Field(default_factory=list)
    in_use_by: list[ResourceName] = Field(
        default_factory=list,
        max_length=256,
        json_schema_extra={"x-kubernetes-list-type": "atomic"},
        description="The ModelDeployments that serve it, as stable, canary or previous version.",
    )
    in_use: str | None = Field(None, max_length=1024, description="The same in a word, for the columns of kubectl get.")
    metric: str | None = Field(None, max_length=64, description="The first metric, for the columns of kubectl get.")
    rejected_by: list[ResourceName] = Field(
        default_factory=list,
        max_length=256,
        json_schema_extra={"x-kubernetes-list-type": "atomic"},
        description="The ModelDeployments that rolled it back. It informs people and does not steer `follow`.",
    )


MODEL_VERSION = Resource(
    kind="ModelVersion",
    plural="modelversions",
    short_names=("mver",),
    description="One version of a model: its artifact, digest, metrics, lineage and approval.",
    spec=ModelVersionSpec,
    status=ModelVersionStatus,
    columns=(
        Column("Model", ".spec.modelName"),
        Column("Version", ".spec.version", "integer"),
        Column("Approval", ".spec.approval.decision"),
        Column("Verified", '.status.conditions[?(@.type=="Verified")].status'),
        Column("In-Use", ".status.inUse"),
        Column("Metric", ".status.metric"),
        Column("Age", ".metadata.creationTimestamp", "date"),
        Column("Run", ".spec.trainingRunRef.name", priority=1),
        Column("URI", ".spec.artifact.uri", priority=1),
    ),
    rules=(
        Rule(
            "self.metadata.name.startsWith(self.spec.modelName + '-')"
            " && self.metadata.name.substring(size(self.spec.modelName) + 1) == string(self.spec.version)",
            "name a ModelVersion MODELNAME-VERSION, as its spec says (for example flights-1)",
        ),
    ),
)
