"""TrainingRun: one immutable execution of code on data that makes a ModelVersion."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from perennial.api.base import (
    ApiModel,
    Column,
    DnsLabel,
    Image,
    PvcUri,
    Quantity,
    Resource,
    ResourceName,
    Rule,
    Sha256,
    cel,
)
from perennial.api.conditions import Conditions
from perennial.api.modelversion import Lineage, Metrics
from perennial.api.pods import EnvVars, Resources

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
CHILD_REFUSED = "ChildRefused"
JOB_LOST = "JobLost"
# Reasons of DataReady and GatesPassed.
DATA_READ = "DataRead"
NOT_READ_YET = "NotReadYet"
NOT_EVALUATED_YET = "NotEvaluatedYet"
NO_GATES = "NoGates"
ALL_PASSED = "AllPassed"

ColumnName = Annotated[str, Field(min_length=1, max_length=128)]


class Data(ApiModel):
    """The data to learn from."""

    uri: PvcUri = Field(
        description="A CSV or Parquet file on a claim of the same namespace, as pvc://CLAIM/PATH. Mounted read-only."
    )
    sha256: Sha256 | None = Field(
        None, description="The SHA-256 of the file's bytes. When given, a file that differs fails the run."
    )


class Estimator(ApiModel):
    """A scikit-learn estimator behind the usual preprocessing."""

    model_config = ConfigDict(
        json_schema_extra=cel(
            Rule(
                "(has(self.numeric) && size(self.numeric) > 0) || (has(self.categorical) && size(self.categorical) > 0)",
                "give the estimator at least one column to learn from, in numeric or categorical",
            ),
            Rule(
                "!(has(self.numeric) && self.target in self.numeric)"
                " && !(has(self.categorical) && self.target in self.categorical)",
                "the target cannot be among the columns that it is predicted from",
            ),
        )
    )

    name: str = Field(
        pattern=r"^[A-Z][A-Za-z0-9]+$",
        max_length=64,
        description="The class name of a scikit-learn classifier or regressor, for example LogisticRegression.",
    )
    target: ColumnName = Field(description="The column to predict.")
    numeric: list[ColumnName] = Field(
        default_factory=list,
        max_length=500,
        description="Columns used as numbers; missing values become the column's median.",
    )
    categorical: list[ColumnName] = Field(
        default_factory=list, max_length=500, description="Columns used as categories; each is one-hot encoded."
    )
    unknown_categories: Literal["Ignore", "Error"] = Field(
        "Ignore",
        description="What the model does with a category that its training data lacked: Ignore it, or answer an Error.",
    )


class Trainer(ApiModel):
    """What is run to make the model: an estimator by name, or a command of your own."""

    model_config = ConfigDict(
        json_schema_extra=cel(
            Rule(
                "has(self.estimator) != has(self.command)",
                "give exactly one of trainer.estimator (scikit-learn by name) and trainer.command (your own)",
            ),
            Rule(
                "!has(self.args) || has(self.command)", "trainer.args belongs to trainer.command; give both or neither"
            ),
        )
    )

    image: Image | None = Field(
        None, description="The image to run; Perennial's trainer image when left out. Name it by digest or a fixed tag."
    )
    estimator: Estimator | None = Field(None, description="A scikit-learn estimator by name.")
    command: list[Annotated[str, Field(max_length=1024)]] | None = Field(
        None,
        min_length=1,
        max_length=32,
        description="Your own command in the image. docs/contracts.md says what it is given and what it must write.",
    )
    args: list[Annotated[str, Field(max_length=1024)]] | None = Field(
        None, max_length=64, description="Arguments of the command."
    )
    params: Annotated[
        dict[str, Annotated[str, Field(max_length=256)]],
        Field(
            max_length=64, description='Hyperparameters; each value is read as a JSON scalar, as in max_iter: "200".'
        ),
    ] = Field(default_factory=dict)
    env: EnvVars = Field(default_factory=list, description="Environment variables for the container.")
    logs: Literal["Quoted", "Private"] = Field(
        "Quoted",
        description="When training fails without saying why in its outcome: Quoted shows the end of its log as the reason;"
        " Private keeps the log in the pod.",
    )
    resources: Resources | None = Field(None, description="CPU and memory of the training container.")
    threads: int = Field(1, ge=1, le=256, description="Threads that numeric libraries may use.")


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
                "a gate judges a metric that evaluation.metrics asks for; add it there, or leave evaluation.metrics out",
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
