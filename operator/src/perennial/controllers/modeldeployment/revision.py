"""Revisions: what is served, and how, under one hash; the unit of a rollout.

A revision is recorded in a ControllerRevision, Kubernetes' own kind for this. Its data never changes; its labels hold
its role and its outcome, so that neither is lost with the status.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from perennial.api.modelversion import ModelVersionSpec
from perennial.api.serving import Serving
from perennial.controllers.modeldeployment import naming
from perennial.controllers.modeldeployment.runtime import runtime_spec
from perennial.core.names import short_hash

ROLLED_BACK = "RolledBack"


@dataclass(frozen=True)
class Version:
    """A ModelVersion, as far as serving it is concerned."""

    name: str
    uid: str
    spec: ModelVersionSpec
    verified: bool

    @property
    def number(self) -> int:
        return self.spec.version

    @property
    def usable(self) -> bool:
        """Whether it may serve: approved by people or gates, and its bytes verified."""
        return self.verified and self.spec.approval.decision == "Approved"


@dataclass(frozen=True)
class Record:
    """A revision. ``inputs`` is what people chose; ``runtime`` what it was resolved to when the revision was made.

    ``retried`` is the last `spec.rollout.retry` that was meant for it, ``promoted`` that `spec.rollout.promote` has
    nothing more to say about it.
    """

    deployment: str
    revision: str
    ordinal: int
    version: int
    storage_uri: str
    inputs: dict[str, Any]
    runtime: dict[str, Any]
    role: str = ""
    outcome: str = ""
    message: str = ""
    retried: str = ""
    promoted: bool = False

    @property
    def version_uid(self) -> str:
        """The uid of its ModelVersion: a number may be given again."""
        return str(self.inputs["versionUid"])

    @property
    def service(self) -> str:
        """The name of its InferenceService."""
        return naming.service_name(self.deployment, self.revision)


def inputs_of(version: Version, serving: Serving) -> dict[str, Any]:
    """What people chose: two equal inputs are one revision, whatever the operator's own defaults are by now."""
    chosen = serving.model_dump(mode="json", by_alias=True, exclude_none=True, include={"image", "resources", "env"})
    return {"versionUid": version.uid, "sha256": version.spec.artifact.sha256, "serving": chosen}


def resolve(
    deployment: str, version: Version, serving: Serving, records: tuple[Record, ...], default_image: str
) -> Record:
    """The revision for ``version`` served as ``serving`` says: a known one of equal inputs, else a new one.

    Looking for equal inputs first is what keeps an upgrade of the operator, with other default images, from being a
    rollout of every model.
    """
    inputs = inputs_of(version, serving)
    known = [record for record in records if record.inputs == inputs]
    if known:
        return max(known, key=lambda record: (record.role != "", record.ordinal))
    runtime = runtime_spec(deployment, version.spec.artifact.sha256, serving, default_image)
    return Record(
        deployment=deployment,
        revision=short_hash({"inputs": inputs, "runtime": runtime}),
        ordinal=1 + max((record.ordinal for record in records), default=0),
        version=version.number,
        storage_uri=version.spec.artifact.uri,
        inputs=inputs,
        runtime=runtime,
    )


def parse(obj: dict[str, Any]) -> Record:
    """The record that a ControllerRevision holds."""
    metadata, data = obj["metadata"], obj["data"]
    labels, annotations = metadata.get("labels", {}), metadata.get("annotations", {})
    return Record(
        deployment=labels[naming.NAME_LABEL],
        revision=str(metadata["name"]).removeprefix(f"{labels[naming.NAME_LABEL]}-"),
        ordinal=obj["revision"],
        version=data["version"],
        storage_uri=data["storageUri"],
        inputs=data["inputs"],
        runtime=data["runtime"],
        role=labels.get(naming.ROLE_LABEL, ""),
        outcome=labels.get(naming.OUTCOME_LABEL, ""),
        message=annotations.get(naming.OUTCOME_MESSAGE, ""),
        retried=annotations.get(naming.RETRIED, ""),
        promoted=naming.PROMOTED in annotations,
    )


def manifest(deployment: dict[str, Any], record: Record) -> dict[str, Any]:
    """The ControllerRevision that keeps a record."""
    labels = {naming.REVISION_LABEL: record.revision, naming.VERSION_LABEL: str(record.version)}
    if record.role:
        labels[naming.ROLE_LABEL] = record.role
    if record.outcome:
        labels[naming.OUTCOME_LABEL] = record.outcome
    metadata = naming.child_metadata(deployment, record.service, labels)
    said = {naming.OUTCOME_MESSAGE: record.message, naming.RETRIED: record.retried}
    said[naming.PROMOTED] = "true" if record.promoted else ""
    if any(said.values()):
        metadata["annotations"] = {key: value for key, value in said.items() if value}
    return {
        "apiVersion": "apps/v1",
        "kind": "ControllerRevision",
        "metadata": metadata,
        "revision": record.ordinal,
        "data": {
            "version": record.version,
            "storageUri": record.storage_uri,
            "inputs": record.inputs,
            "runtime": record.runtime,
        },
    }
