"""Where a run reads and writes."""

from __future__ import annotations

from perennial.api.trainingrun import TrainingRunSpec
from perennial.controllers.jobs.claims import ClaimPath, parse_claim_path

DATA_ROOT = "/mnt/data"
OUTPUT_PATH = "/mnt/output"


def data(spec: TrainingRunSpec) -> ClaimPath:
    """The data's file on its claim."""
    return parse_claim_path(spec.data.uri)


def data_path(spec: TrainingRunSpec) -> str:
    """The same file as the container sees it."""
    path = data(spec).path
    return f"{DATA_ROOT}/{path}" if path else DATA_ROOT


def output_claim(spec: TrainingRunSpec) -> str:
    """The claim that keeps the artifact."""
    return parse_claim_path(spec.output.storage_uri).claim


def output(spec: TrainingRunSpec, namespace: str, uid: str) -> ClaimPath:
    """The run's own folder: the only one that its pod can write to, and where its artifact must lie."""
    return parse_claim_path(spec.output.storage_uri) / namespace / spec.model_name / uid
