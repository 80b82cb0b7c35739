"""The ModelVersion that a run registers."""

from __future__ import annotations

from collections.abc import Sequence

from perennial.api.base import API_VERSION
from perennial.api.modelversion import Approval, Artifact, Lineage, ModelVersionSpec, RunReference
from perennial.api.trainingrun import GateResult, TrainingRunSpec
from perennial.controllers.findings import Finding
from perennial.controllers.labels import MODEL, RUN_UID, VERSION, made_by
from perennial.controllers.trainingrun.children import image
from perennial.controllers.trainingrun.gates import evaluate, gates_finding
from perennial.controllers.trainingrun.outcome import Success
from perennial.ports.kinds import MODEL_VERSION, TRAINING_RUN
from perennial.ports.kube import Object

PERENNIAL = "perennial"


def version_manifest(run: Object, spec: TrainingRunSpec, number: int, success: Success, default_image: str) -> Object:
    """Version `number` of the model. It has no ownerReference: a version outlives its run."""
    metadata = run["metadata"]
    body = ModelVersionSpec(
        model_name=spec.model_name,
        version=number,
        artifact=Artifact(**success.artifact.model_dump()),
        metrics=success.metrics,
        lineage=_lineage(spec, success, default_image),
        training_run_ref=RunReference(name=metadata["name"], uid=metadata["uid"]),
        approval=approval(spec, evaluate(spec.evaluation.gates, success.metrics)),
    )
    labels = {MODEL: spec.model_name, VERSION: str(number), RUN_UID: metadata["uid"]}
    return {
        "apiVersion": API_VERSION,
        "kind": MODEL_VERSION.kind,
        "metadata": {
            "name": f"{spec.model_name}-{number}",
            "namespace": metadata["namespace"],
            "labels": made_by(TRAINING_RUN, metadata["name"]) | labels,
        },
        "spec": body.model_dump(by_alias=True, exclude_none=True),
    }


def approval(spec: TrainingRunSpec, results: Sequence[GateResult]) -> Approval:
    """The decision that a version is made with. From then on it is people's."""
    finding = gates_finding(results)
    if finding.status == "False":
        return Approval(decision="Rejected", by=PERENNIAL, reason=finding.message)
    if spec.approval == "Automatic":
        return Approval(decision="Approved", by=PERENNIAL, reason=finding.message)
    return Approval(decision="Pending", by=None, reason=None)


def completed_message(spec: TrainingRunSpec, name: str, gates: Finding) -> str:
    """What came of the run, in a sentence."""
    if gates.status == "False":
        return f"Training worked and made {name}, which is Rejected because of its gates: {gates.message}"
    if spec.approval == "Automatic":
        return f"Made {name}, which is Approved: {gates.message}"
    return f"Made {name}, which waits for a person: set its spec.approval.decision to Approved. {gates.message}"


def _lineage(spec: TrainingRunSpec, success: Success, default_image: str) -> Lineage:
    # What the spec says is not asked of the container; the digests are its own observations.
    return Lineage(
        image=image(spec, default_image),
        data_uri=spec.data.uri,
        data_digest=success.lineage.data_digest or spec.data.sha256,
        data_rows=success.lineage.data_rows,
        params=spec.trainer.params,
        seed=spec.seed,
        threads=spec.trainer.threads,
        packages_digest=success.lineage.packages_digest,
    )
