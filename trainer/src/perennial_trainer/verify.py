"""Verify: recompute every digest of an artifact."""

from pathlib import Path
from typing import Any

from perennial_trainer import outcome
from perennial_trainer.artifact import store
from perennial_trainer.contract import Environment, required


def main(env: Environment) -> dict[str, Any]:
    """Check the artifact of the environment and return the outcome.

    Raises:
        WorkError: ``ArtifactNotFound``, ``ManifestInvalid`` or ``DigestMismatch``.
    """
    folder = Path(required(env, "PERENNIAL_ARTIFACT_PATH"))
    artifact = store.verify(folder, required(env, "PERENNIAL_ARTIFACT_SHA256"))
    return outcome.succeeded(artifact={"sha256": artifact.sha256, "sizeBytes": artifact.size_bytes})
