"""TrainingRun: one immutable execution of code on data that makes a ModelVersion."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from perennial.api.base import ApiModel, Column, DnsLabel, PvcUri, Quantity, Resource, ResourceName, Rule, Sha256, cel
from perennial.api.conditions import Conditions
from perennial.api.modelversion import Lineage, Metrics
from perennial.api.trainer import Trainer

# Reasons of Succeeded, Reconciling and Stalled.
PENDING = "Pending"
RUNNING = "Running"
RETRYING = "Retrying"
REGISTERING = "Registering"
COMPLETED = "Completed"
FAILED = "Failed"
DEADLINE_EXCEEDED = "DeadlineExceeded"
OUT_OF_MEMORY = "OutOfMemory"
EVICTED = "Evicted"
IMAGE_UNAVAILABLE = "ImageUnavailable"
UNSCHEDULABLE = "Unschedulable"
DATA_NOT_FOUND = "DataNotFound"
OUTPUT_NOT_FOUND = "OutputNotFound"
OUTCOME_INVALID = "OutcomeInvalid"
GATE_FAILED = "GateFailed"
NAME_TAKEN = "NameTaken"
CONTAINER_NOT_CREATED = "ContainerNotCreated"
POD_NOT_CREATED = "PodNotCreated"
CHILD_REFUSED = "ChildRefused"
JOB_LOST = "JobLost"
# What only the operator can know: a container that gives one of these as its own reason is not taken at its word.
OPERATORS_REASONS = frozenset(
    (
        PENDING,
        RUNNING,
        RETRYING,
        REGISTERING,
        COMPLETED,
        DEADLINE_EXCEEDED,
        EVICTED,
        IMAGE_UNAVAILABLE,
        UNSCHEDULABLE,
        OUTPUT_NOT_FOUND,
        OUTCOME_INVALID,
        GATE_FAILED,
        NAME_TAKEN,
        CONTAINER_NOT_CREATED,
        POD_NOT_CREATED,
        CHILD_REFUSED,
        JOB_LOST,
    )
)
# Reasons of DataReady and GatesPassed.
DATA_READ = "DataRead"
NOT_READ_YET = "NotReadYet"
NOT_EVALUATED_YET = "NotEvaluatedYet"
NO_GATES = "NoGates"
ALL_PASSED = "AllPassed"


class Data(ApiModel):
    """The data to learn from."""

    uri: PvcUri = Field(
        description="A CSV or Parquet file on a claim of the same namespace, as pvc://CLAIM/PATH. Mounted read-only."
    )
    sha256: Sha256 | None = Field(
        None, description="The SHA-256 of the file's bytes. When given, a file that differs fails the run."
    )


class Gate(ApiModel):
    """A bound that a metric must keep for the version to be approved."""

    model_config = ConfigDict(
        json_schema_extra=cel(Rule("has(self.min) != has(self.max)", "give a gate exactly one of min and max"))
    )

    metric: str = Field(
        max_length=64, pattern=r"^[a-z][a-z0-9_]*$", description="The metric's name, for example roc_auc."
    )
    min: Quantity | None = Field(None, description='The least value that passes, for example "0.8".')
    max: Quantity | None = Field(None, description='The greatest value that passes, for example "0.3".')


class Evaluation(ApiModel):
    """How the model is judged before anyone may use it."""

    model_config = ConfigDict(
        json_schema_extra=cel(
            Rule(
                "!has(self.metrics) || size(self.metrics) == 0 || !has(self.gates)"
                " || self.gates.all(gate, gate.metric in self.metrics)",
                "a gate judges a metric that evaluation.metrics asks for; add it there, or leave that list out",
            )
        )
    )

    holdout_percent: int = Field(
        20,
        ge=1,
        le=90,
        description="The share of rows, in percent, that is kept out of training to evaluate the model.",
    )
    metrics: list[Annotated[str, Field(max_length=64, pattern=r"^[a-z][a-z0-9_]*$")]] = Field(
        default_factory=list,
        max_length=20,
        description="Metrics to compute on the hold-out, for example roc_auc; a usual set when left out.",
    )
    gates: list[Gate] = Field(
        default_factory=list, max_length=20, description="Bounds that must all hold; otherwise the version is Rejected."
    )


class Output(ApiModel):
    """Where the model's artifact goes."""

    storage_uri: PvcUri = Field(
        description="A folder on a claim of the same namespace, as pvc://CLAIM or pvc://CLAIM/PATH."
    )


class TrainingRunSpec(ApiModel):
    """One execution of training. It cannot be changed: create a new run instead."""

    model_config = ConfigDict(
        json_schema_extra=cel(
            Rule("self == oldSelf", "a TrainingRun cannot be changed; create a new one with another name")
        )
    )

    model_name: DnsLabel = Field(description="The model that this run makes a version of.")
    data: Data = Field(description="The data to learn from.")
    trainer: Trainer = Field(description="What is run to make the model.")
    seed: int = Field(
        0, ge=0, le=2147483647, description="The seed of every random choice, so that a run can be repeated."
    )
    evaluation: Evaluation = Field(default_factory=Evaluation, description="How the model is judged.")
    output: Output = Field(description="Where the model's artifact goes.")
    approval: Literal["Automatic", "Manual"] = Field(
        "Manual",
        description="Automatic: a version whose gates pass is Approved when it is made. Manual: a person approves it.",
    )
    active_deadline_seconds: int = Field(
        86400, ge=1, le=2592000, description="The run fails when it takes longer than this, retries included."
    )
    backoff_limit: int = Field(2, ge=0, le=20, description="How often a failed pod is tried again.")
    ttl_seconds_after_finished: int = Field(
        3600,
        ge=0,
        le=2592000,
        description="How long the Job and its pods are kept, for their logs, once the run is over.",
    )


class ObjectReference(ApiModel):
    """An object of the same namespace."""

    name: ResourceName = Field(description="The object's name.")
    uid: str | None = Field(None, max_length=64, description="The object's uid.")


class GateResult(ApiModel):
    """How one gate came out."""

    metric: str = Field(max_length=64, description="The metric.")
    passed: bool = Field(description="Whether its bound held.")
    message: str = Field(max_length=256, description="The value beside its bound.")


class TrainingRunStatus(ApiModel):
    """What became of the run."""

    observed_generation: int | None = Field(None, description="The generation of the spec that was looked at.")
    conditions: Conditions = Field(default_factory=list)
    job_ref: ObjectReference | None = Field(None, description="The Job that runs it.")
    start_time: str | None = Field(
        None, json_schema_extra={"format": "date-time"}, description="When the Job was created."
    )
    completion_time: str | None = Field(
        None, json_schema_extra={"format": "date-time"}, description="When the run was over."
    )
    metrics: Metrics = Field(default_factory=dict)
    metric: str | None = Field(None, max_length=64, description="The first metric, for the columns of kubectl get.")
    gates: list[GateResult] = Field(default_factory=list, max_length=20, description="How each gate came out.")
    lineage: Lineage | None = Field(None, description="What the model was made of.")
    model_version_ref: ObjectReference | None = Field(None, description="The version that the run made.")


TRAINING_RUN = Resource(
    kind="TrainingRun",
    plural="trainingruns",
    short_names=("tr",),
    description="One immutable execution of training: code, data, parameters and a seed make a ModelVersion.",
    spec=TrainingRunSpec,
    status=TrainingRunStatus,
    columns=(
        Column("Model", ".spec.modelName"),
        Column("Succeeded", '.status.conditions[?(@.type=="Succeeded")].status'),
        Column("Reason", '.status.conditions[?(@.type=="Succeeded")].reason'),
        Column("Metric", ".status.metric"),
        Column("Version", ".status.modelVersionRef.name"),
        Column("Age", ".metadata.creationTimestamp", "date"),
        Column("Message", '.status.conditions[?(@.type=="Succeeded")].message', priority=1),
    ),
    rules=(
        Rule(
            "size(self.metadata.name) <= 63",
            "name a TrainingRun with at most 63 characters: its Job and its pods carry the name as a label",
        ),
    ),
)
