"""The main job in acts. Each begins with what a person does and ends when its goal is reached and all is quiet."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from perennial.controllers.modeldeployment.route import read
from perennial.ports.kinds import (
    HTTP_ROUTE,
    INFERENCE_SERVICE,
    JOB,
    MODEL_DEPLOYMENT,
    MODEL_VERSION,
    PERSISTENT_VOLUME_CLAIM,
    TRAINING_RUN,
)
from perennial.rollout import Verdict
from tests.faults.calls import Object
from tests.faults.evidence import Verdicts
from tests.faults.lane import Lane
from tests.faults.mirror import Mirror
from tests.unit.controllers.modeldeployment.objects import deployment

NAME = "late"
VERDICTS: Verdicts = {("v2", 0): Verdict.ADVANCE, ("v2", 1): Verdict.PROMOTE, ("v3", 0): Verdict.ROLL_BACK}


@dataclass(frozen=True)
class Act:
    """A part of the main job."""

    name: str
    begin: Callable[[Lane], Awaitable[None]]
    goal: Callable[[Mirror], bool]

    async def play(self, lane: Lane) -> None:
        """From what a person does to its end. Raises AssertionError."""
        await self.begin(lane)
        await lane.run_until(self.goal, f"act {self.name!r}")


async def _train(lane: Lane) -> None:
    for claim in ("data", "models"):
        spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
        await lane.kube.create(PERSISTENT_VOLUME_CLAIM, {"metadata": _at(lane, claim), "spec": spec})
    await _run(lane, "january")


async def _run(lane: Lane, name: str) -> None:
    spec = {
        "modelName": NAME,
        "data": {"uri": "pvc://data/rows.csv"},
        "trainer": {"estimator": {"name": "LogisticRegression", "target": "late", "numeric": ["distance"]}},
        "output": {"storageUri": "pvc://models"},
        "approval": "Automatic",
        "ttlSecondsAfterFinished": 30,
    }
    await lane.kube.create(TRAINING_RUN, {"metadata": _at(lane, name), "spec": spec})


async def _deploy(lane: Lane) -> None:
    obj = {"metadata": _at(lane, NAME), "spec": deployment(scaleDownSeconds=30)["spec"]}
    await lane.kube.apply(MODEL_DEPLOYMENT, obj, manager="person")


async def _retrain(lane: Lane) -> None:
    await _run(lane, "february")


async def _import(lane: Lane) -> None:
    spec = {
        "modelName": NAME,
        "version": 3,
        "artifact": {"uri": "pvc://models/imported", "sha256": f"{3:064x}"},
        "approval": {"decision": "Approved"},
    }
    await lane.kube.create(MODEL_VERSION, {"metadata": _at(lane, f"{NAME}-3"), "spec": spec})


def _registered(mirror: Mirror, run: str, version: str) -> bool:
    found, made = mirror.get(TRAINING_RUN, run), mirror.get(MODEL_VERSION, version)
    return _is(found, "Succeeded", "True") and _is(made, "Ready", "True") and not mirror.of(JOB)


def _serves(mirror: Mirror, weights: dict[str, int]) -> bool:
    """Whether the route says just these weights, and whatever has none is gone."""
    route = mirror.get(HTTP_ROUTE, NAME)
    live = {mirror.logical(name): weight for name, weight in read(route).weights.items()}
    return live == weights and len(mirror.of(INFERENCE_SERVICE)) == len(weights) and not mirror.of(JOB)


def _deployed(mirror: Mirror) -> bool:
    return _is(mirror.get(MODEL_DEPLOYMENT, NAME), "UpToDate", "True") and _serves(mirror, {f"{NAME}-v1": 100})


def _promoted(mirror: Mirror) -> bool:
    done = _registered(mirror, "february", f"{NAME}-2") and _is(mirror.get(MODEL_DEPLOYMENT, NAME), "UpToDate", "True")
    return done and _serves(mirror, {f"{NAME}-v2": 100})


def _rolled_back(mirror: Mirror) -> bool:
    return _is(mirror.get(MODEL_DEPLOYMENT, NAME), "Stalled", "True") and _serves(mirror, {f"{NAME}-v2": 100})


ACTS = (
    Act("a run becomes a version", _train, lambda mirror: _registered(mirror, "january", f"{NAME}-1")),
    Act("the first version serves", _deploy, _deployed),
    Act("a canary is promoted, the old one goes", _retrain, _promoted),
    Act("a canary is rolled back", _import, _rolled_back),
)


def _at(lane: Lane, name: str) -> dict[str, str]:
    return {"namespace": lane.mirror.namespace, "name": name}


def _is(obj: Object | None, kind: str, status: str) -> bool:
    conditions: list[Any] = (obj or {}).get("status", {}).get("conditions", [])
    return any((each["type"], each["status"]) == (kind, status) for each in conditions)
