"""What is read of stored objects that may be older than these types, or written by hand: never a reason to stop."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import ValidationError

from perennial.api.conditions import VERIFIED
from perennial.api.modeldeployment import ONE_TARGET, ModelDeploymentSpec
from perennial.api.modeldeployment_status import ModelDeploymentStatus
from perennial.api.modelversion import ModelVersionSpec
from perennial.api.strategy import STEPS_RISE
from perennial.controllers.modeldeployment import ways
from perennial.controllers.modeldeployment.revision import Version
from perennial.core.conditions import find_condition
from perennial.ports.kube import Object


def unfit(spec: ModelDeploymentSpec) -> str | None:
    """The rule of the definition that a spec stored before the rule breaks, where no rollout could follow it."""
    weights = [step.weight for step in ways.steps(spec)]
    if weights != sorted(set(weights)):
        return STEPS_RISE
    return ONE_TARGET if (spec.version is None) == (spec.follow is None) else None


def status_of(deployment: Object) -> ModelDeploymentStatus:
    """The status; an empty one where it cannot be read: it is then rebuilt from the records and the route."""
    try:
        return ModelDeploymentStatus.model_validate(deployment.get("status", {}))
    except ValidationError:
        return ModelDeploymentStatus()


def versions_of(model: str, objects: Iterable[Object]) -> tuple[tuple[Version, ...], frozenset[str]]:
    """The model's versions, and the names of those whose spec cannot be read."""
    versions, unreadable = [], set()
    for obj in objects:
        if obj.get("spec", {}).get("modelName") != model:
            continue
        try:
            versions.append(_version(obj))
        except ValidationError:
            unreadable.add(str(obj["metadata"]["name"]))
    return tuple(versions), frozenset(unreadable)


def _version(obj: Object) -> Version:
    verified = find_condition(obj.get("status", {}).get("conditions", []), VERIFIED)
    return Version(
        name=obj["metadata"]["name"],
        uid=obj["metadata"]["uid"],
        spec=ModelVersionSpec.model_validate(obj["spec"]),
        verified=verified is not None and verified["status"] == "True",
    )
