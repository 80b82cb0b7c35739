"""Which version should serve: the policy of ``version`` and ``follow``."""

from __future__ import annotations

from dataclasses import dataclass

from perennial.api.modeldeployment import NAME_TAKEN, NO_VERSION, VERSION_NOT_USABLE, ModelDeploymentSpec
from perennial.controllers.modeldeployment.revision import Version


@dataclass(frozen=True)
class Problem:
    """Why the spec cannot be followed, in a word for programs and a sentence that says what to do."""

    reason: str
    message: str


def taken(names: str) -> Problem:
    """Something that is not ours has the name of a part."""
    return Problem(
        NAME_TAKEN, f"{names} exists and does not belong to this ModelDeployment; delete it, or choose another name."
    )


def choose(
    spec: ModelDeploymentSpec, versions: tuple[Version, ...], unreadable: frozenset[str] = frozenset()
) -> Version | Problem:
    """The version that the spec asks for, or why there is none."""
    if spec.version is not None:
        if f"{spec.model_name}-{spec.version}" in unreadable:
            return _invalid(f"{spec.model_name}-{spec.version}")
        return _pinned(spec.model_name, spec.version, versions)
    usable = [version for version in versions if version.usable]
    if usable:
        return max(usable, key=lambda version: version.number)
    if unreadable and not versions:
        return _invalid(max(unreadable))
    return Problem(NO_VERSION, _nothing_usable(spec.model_name, versions))


def _invalid(name: str) -> Problem:
    why = f"its condition Stalled says why (`kubectl describe mver {name}`)"
    return Problem(VERSION_NOT_USABLE, f"The spec of ModelVersion {name} is not valid for this release; {why}.")


def _pinned(model: str, number: int, versions: tuple[Version, ...]) -> Version | Problem:
    version = next((each for each in versions if each.number == number), None)
    name = f"{model}-{number}"
    if version is None:
        return Problem(
            VERSION_NOT_USABLE,
            f"ModelVersion {name} does not exist; create it, or set spec.version to one that `kubectl get mver` lists.",
        )
    if version.spec.approval.decision == "Rejected":
        return Problem(
            VERSION_NOT_USABLE, f"ModelVersion {name} is Rejected; approve it, or set spec.version to another one."
        )
    if not version.verified:
        return Problem(
            VERSION_NOT_USABLE,
            f"ModelVersion {name} is not verified; its condition Verified says why (`kubectl describe mver {name}`).",
        )
    return version


def _nothing_usable(model: str, versions: tuple[Version, ...]) -> str:
    if not versions:
        return f"Model {model} has no version yet; create a TrainingRun or a ModelVersion with modelName {model}."
    waiting = max(versions, key=lambda version: version.number)
    return (
        f"No version of model {model} is both Approved and Verified; the latest, {waiting.name}, is "
        f"{waiting.spec.approval.decision} and {'' if waiting.verified else 'not '}verified."
        f" Approve it with `kubectl patch mver {waiting.name} --type=merge -p"
        ' \'{"spec":{"approval":{"decision":"Approved"}}}\'`.'
    )
