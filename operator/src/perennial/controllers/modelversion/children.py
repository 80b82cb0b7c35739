"""The Job that computes an artifact's digest again."""

from __future__ import annotations

from perennial.api.modelversion import ModelVersionSpec
from perennial.controllers.jobs.claims import parse_claim_path
from perennial.controllers.jobs.pod import TERMINATION_LOG, Limits, Mount, Work, job, literal
from perennial.controllers.labels import MODEL, made_by, owner_reference
from perennial.core.names import child_name, short_hash
from perennial.ports.kinds import MODEL_VERSION
from perennial.ports.kube import Object

CONTAINER = "verify"
ARTIFACT_ROOT = "/mnt/artifact"
LIMITS = Limits(backoff=2, deadline_seconds=3600)
RESOURCES = {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "1Gi"}}


def verify_job_name(version: Object) -> str:
    """Another address gets another Job, so the outcome of an old one is never taken for it."""
    artifact, metadata = version["spec"]["artifact"], version["metadata"]
    mark = short_hash([metadata["uid"], artifact["uri"], artifact["sha256"]], 8)
    return child_name(metadata["name"], f"verify-{mark}")


def verify_job(version: Object, spec: ModelVersionSpec, image: str) -> Object:
    """The Job that verifies this version at its present address."""
    metadata = version["metadata"]
    return job(
        verify_job_name(version),
        owner_reference(MODEL_VERSION, version),
        metadata["namespace"],
        made_by(MODEL_VERSION, metadata["name"]) | {MODEL: spec.model_name},
        _work(spec, image),
        LIMITS,
    )


def _work(spec: ModelVersionSpec, image: str) -> Work:
    place = parse_claim_path(spec.artifact.uri)
    env = {
        "HOME": "/tmp",  # noqa: S108
        "PERENNIAL_ARTIFACT_PATH": f"{ARTIFACT_ROOT}/{place.path}",
        "PERENNIAL_ARTIFACT_SHA256": spec.artifact.sha256,
        "PERENNIAL_OUTCOME_PATH": TERMINATION_LOG,
    }
    return Work(
        container=CONTAINER,
        image=image,
        args=["verify"],
        env=literal(env),
        # The whole claim, not a sub path: the kubelet would make a missing folder instead of letting us miss it.
        mounts=[Mount(place.claim, ARTIFACT_ROOT)],
        resources=RESOURCES,
    )
