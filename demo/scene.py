"""What is on the stage: the objects of the flights namespace, read once, and the rows of the live table."""

from __future__ import annotations

import json
from dataclasses import dataclass

from demo.kubectl import Kubectl, Object
from demo.tally import Tally
from perennial.api.analysis import Analysis
from perennial.api.base import number
from perennial.api.modeldeployment_status import ModelDeploymentStatus
from perennial.api.modelversion import ModelVersionSpec, ModelVersionStatus
from perennial.api.trainingrun import TrainingRunStatus

_KINDS = "trainingruns.perennial.dev,modelversions.perennial.dev,modeldeployments.perennial.dev"


@dataclass(frozen=True)
class Version:
    """One ModelVersion."""

    spec: ModelVersionSpec
    status: ModelVersionStatus


@dataclass(frozen=True)
class Bounds:
    """The odds at which a rollout goes on, or back."""

    advance: float = 20.0
    rollback: float = 100.0


@dataclass(frozen=True)
class Scene:
    """The objects at one moment.

    Attributes:
        runs: status of each TrainingRun by name.
        versions: ModelVersions by number.
        deployment: status of the ModelDeployment `flights`; an empty one when it is not there yet.
        bounds: what its spec asks of evidence.
    """

    runs: dict[str, TrainingRunStatus]
    versions: dict[int, Version]
    deployment: ModelDeploymentStatus
    bounds: Bounds = Bounds()

    def services(self) -> dict[str, int]:
        """The version behind each InferenceService that is live."""
        live = (self.deployment.stable, self.deployment.canary, self.deployment.previous)
        return {each.inference_service: each.version for each in live if each}

    def condition(self, type_: str) -> tuple[str, str, str]:
        """Status, reason and message of a condition of the deployment; empty texts when it is absent."""
        for each in self.deployment.conditions:
            if each.type == type_:
                return each.status, each.reason, each.message
        return "", "", ""

    def training(self) -> str:
        """What a run that is under way says of itself; empty when there is none."""
        for name, run in self.runs.items():
            under_way = [each.message for each in run.conditions if each.type == "Reconciling"]
            if under_way:
                return f"TrainingRun {name}: {under_way[0]}"
        return ""


@dataclass(frozen=True)
class Row:
    """A line of the live table."""

    version: int
    metric: str
    approval: str
    role: str
    weight: str
    requests: int
    errors: int


def observe(kubectl: Kubectl) -> Scene:
    """Read all objects of the namespace with one call.

    Raises:
        KubectlError: the call failed.
    """
    return parse(json.loads(kubectl("get", _KINDS, "-o", "json"))["items"])


def parse(objects: list[Object]) -> Scene:
    """The scene out of the objects as Kubernetes gives them."""
    runs: dict[str, TrainingRunStatus] = {}
    versions: dict[int, Version] = {}
    deployment, bounds = ModelDeploymentStatus(), Bounds()
    for each in objects:
        status = each.get("status", {})
        if each["kind"] == "TrainingRun":
            runs[each["metadata"]["name"]] = TrainingRunStatus.model_validate(status)
        elif each["kind"] == "ModelVersion":
            spec = ModelVersionSpec.model_validate(each["spec"])
            versions[spec.version] = Version(spec, ModelVersionStatus.model_validate(status))
        elif each["metadata"]["name"] == "flights":
            deployment = ModelDeploymentStatus.model_validate(status)
            bounds = _bounds(each["spec"])
    return Scene(runs, versions, deployment, bounds)


def _bounds(spec: Object) -> Bounds:
    analysis = Analysis.model_validate(spec.get("analysis", {}))
    return Bounds(advance=1 / number(analysis.miss), rollback=1 / number(analysis.false_rollback))


def rows(scene: Scene, tally: Tally, services: dict[str, int]) -> list[Row]:
    """The live table: a line for each version, with what the load client saw of it.

    Args:
        scene: the objects now.
        tally: the load client's counts.
        services: the version behind each InferenceService that was ever live.
    """
    return [_row(number, scene, tally, services) for number in sorted(scene.versions)]


def _row(number: int, scene: Scene, tally: Tally, services: dict[str, int]) -> Row:
    version = scene.versions[number]
    own = [name for name, behind in services.items() if behind == number]
    role, weight = _role(number, scene)
    return Row(
        version=number,
        metric=version.status.metric or "",
        approval=version.spec.approval.decision,
        role=role,
        weight=weight,
        requests=sum(tally.served(name) for name in own),
        errors=sum(tally.errors(name) for name in own),
    )


def _role(number: int, scene: Scene) -> tuple[str, str]:
    status = scene.deployment
    canary = status.canary
    if canary and canary.version == number:
        return "canary", f"{canary.weight} %"
    held = status.previous.weight if status.previous else 0
    if status.stable and status.stable.version == number:
        return "stable", f"{100 - held - (canary.weight if canary else 0)} %"
    if status.previous and status.previous.version == number:
        return "previous", f"{held} %"
    ended = next((each.outcome for each in status.history if each.version == number), "")
    return ("rolled back" if ended == "RolledBack" else ""), ""
