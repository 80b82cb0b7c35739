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
from tests.faults.lane import Lane
from tests.faults.mirror import Mirror
from tests.unit.controllers.modeldeployment.objects import deployment

NAME = "late"
KEPT_SECONDS = 600
BAKE_SECONDS = 3600
"""Longer than any act may take: it ends when the story says so."""
Goal = Callable[[Mirror], bool]


@dataclass(frozen=True)
class Act:
    """A part of the main job."""

    name: str
    begin: Callable[[Lane], Awaitable[None]]
    goal: Goal

    async def play(self, lane: Lane) -> None:
        """From what a person does to its end. Raises AssertionError."""
        await self.begin(lane)
        await lane.run_until(self.goal, f"act {self.name!r}")


async def _train(lane: Lane) -> None:
    for claim in ("data", "models"):
        spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
        await lane.kube.create(PERSISTENT_VOLUME_CLAIM, {"metadata": _at(lane, claim), "spec": spec})
    await _run(lane, "january", "Automatic")


async def _run(lane: Lane, name: str, approval: str) -> None:
    spec = {
        "modelName": NAME,
        "data": {"uri": "pvc://data/rows.csv"},
        "trainer": {"estimator": {"name": "LogisticRegression", "target": "late", "numeric": ["distance"]}},
        "output": {"storageUri": "pvc://models"},
        "approval": approval,
        "ttlSecondsAfterFinished": 30,
    }
    await lane.kube.create(TRAINING_RUN, {"metadata": _at(lane, name), "spec": spec})


async def _deploy(lane: Lane) -> None:
    # The apiserver's clock stands nearly still beside ours, and a pod's age is told by both.
    serving = {"readyDeadlineSeconds": 86400}
    bake = {"seconds": BAKE_SECONDS, "holdbackPercent": 2}
    spec = deployment(bake=bake, scaleDownSeconds=KEPT_SECONDS, serving=serving)["spec"]
    await lane.kube.apply(MODEL_DEPLOYMENT, {"metadata": _at(lane, NAME), "spec": spec}, manager="person")


async def _retrain(lane: Lane) -> None:
    await _run(lane, "february", "Manual")


def _approve(name: str) -> Callable[[Lane], Awaitable[None]]:
    async def approve(lane: Lane) -> None:
        made = lane.mirror.get(MODEL_VERSION, name)
        assert made is not None
        spec = {**made["spec"], "approval": {"decision": "Approved"}}
        await lane.kube.apply(MODEL_VERSION, {"metadata": _at(lane, name), "spec": spec}, manager="person")

    return approve


async def _import(lane: Lane) -> None:
    spec = {
        "modelName": NAME,
        "version": 3,
        "artifact": {"uri": "pvc://models/imported", "sha256": f"{3:064x}"},
    }
    await lane.kube.create(MODEL_VERSION, {"metadata": _at(lane, f"{NAME}-3"), "spec": spec})


def _says(version: str, step: int, verdict: Verdict) -> Callable[[Lane], Awaitable[None]]:
    async def say(lane: Lane) -> None:
        lane.evidence_says(version, step, verdict)

    return say


async def _retry(lane: Lane) -> None:
    lane.verdicts["v3", 0] = Verdict.HOLD
    await _by_hand(lane, retry="once more")


async def _promote(lane: Lane) -> None:
    made = lane.mirror.get(MODEL_DEPLOYMENT, NAME)
    assert made is not None
    await _by_hand(lane, retry="once more", promote=made["status"]["canary"]["revision"])


async def _by_hand(lane: Lane, **rollout: str) -> None:
    # Next to whatever Git applies, a person's decisions have a field manager of their own.
    body = {"metadata": _at(lane, NAME), "spec": {"rollout": rollout}}
    await lane.kube.apply(MODEL_DEPLOYMENT, body, manager="decisions")


def _pass(seconds: int) -> Callable[[Lane], Awaitable[None]]:
    async def time_passes(lane: Lane) -> None:
        lane.clock.advance(seconds)

    return time_passes


async def _deploy_again(lane: Lane) -> None:
    old = lane.mirror.get(MODEL_DEPLOYMENT, NAME)
    assert old is not None
    await lane.kube.delete(MODEL_DEPLOYMENT, old)
    await _deploy(lane)


async def _run_again(lane: Lane) -> None:
    await _retrain(lane)
    await lane.run_until(lambda mirror: mirror.get(JOB, "february") is not None, "a Job of the first run", settle=False)
    old = lane.mirror.get(TRAINING_RUN, "february")
    assert old is not None
    await lane.kube.delete(TRAINING_RUN, old)
    await _retrain(lane)


def _registered(run: str, version: str) -> Goal:
    def reached(mirror: Mirror) -> bool:
        made = mirror.get(MODEL_VERSION, version)
        return is_(mirror.get(TRAINING_RUN, run), "Succeeded") and is_(made, "Verified") and not mirror.of(JOB)

    return reached


def _verified(version: str) -> Goal:
    return lambda mirror: is_(mirror.get(MODEL_VERSION, version), "Verified") and not mirror.of(JOB)


def _serving(weights: dict[str, int], condition: str) -> Goal:
    """The route says just these weights, what is not named there is gone, and the condition is true."""

    def reached(mirror: Mirror) -> bool:
        right = routed(mirror) == {f"{NAME}-{version}": weight for version, weight in weights.items()}
        gone = len(mirror.of(INFERENCE_SERVICE)) == len(weights)
        return right and gone and is_(mirror.get(MODEL_DEPLOYMENT, NAME), condition)

    return reached


def _all_jobs_over(goal: Goal) -> Goal:
    return lambda mirror: goal(mirror) and all(each.get("status", {}).get("completionTime") for each in mirror.of(JOB))


def _prepared(weights: dict[str, int]) -> Goal:
    """A canary that has passed its preflight and waits for evidence."""
    there = _all_jobs_over(_serving(weights, "Reconciling"))
    return lambda mirror: there(mirror) and any("preflight" in each["metadata"]["name"] for each in mirror.of(JOB))


ACTS = (
    Act("a run becomes a version", _train, _registered("january", f"{NAME}-1")),
    Act("the first version serves", _deploy, _serving({"v1": 100}, "UpToDate")),
    Act("another run becomes a version", _retrain, _registered("february", f"{NAME}-2")),
    Act("a canary is prepared", _approve(f"{NAME}-2"), _prepared({"v1": 100, "v2": 0})),
    Act("to 10 %", _says("v2", -1, Verdict.HOLD), _serving({"v1": 90, "v2": 10}, "Reconciling")),
    Act("to 50 %", _says("v2", 0, Verdict.ADVANCE), _serving({"v1": 50, "v2": 50}, "Reconciling")),
    Act("promoted", _says("v2", 1, Verdict.PROMOTE), _serving({"v1": 2, "v2": 98}, "UpToDate")),
    Act("the bake is over", _pass(BAKE_SECONDS), _serving({"v1": 0, "v2": 100}, "UpToDate")),
    Act("the old version goes", _pass(KEPT_SECONDS), _serving({"v2": 100}, "UpToDate")),
    Act("an import is verified", _import, _verified(f"{NAME}-3")),
    Act("another canary is prepared", _approve(f"{NAME}-3"), _prepared({"v2": 100, "v3": 0})),
    Act("to 10 % again", _says("v3", -1, Verdict.HOLD), _serving({"v2": 90, "v3": 10}, "Reconciling")),
    Act("rolled back", _says("v3", 0, Verdict.ROLL_BACK), _serving({"v2": 100}, "Stalled")),
    Act("tried again by hand", _retry, _all_jobs_over(_serving({"v2": 90, "v3": 10}, "Reconciling"))),
    Act("promoted by hand", _promote, _serving({"v2": 2, "v3": 98}, "UpToDate")),
    Act("rolled back in the bake", _says("v3", 2, Verdict.ROLL_BACK), _serving({"v2": 100}, "Stalled")),
)

REPLACED = (
    *ACTS[:2],
    Act("another deployment of the same name", _deploy_again, _serving({"v1": 100}, "UpToDate")),
    Act("another run of the same name", _run_again, _registered("february", f"{NAME}-2")),
)
"""Objects are deleted and made again under their names, while what belonged to the first ones is still there."""


def routed(mirror: Mirror) -> dict[str, int]:
    """The route's weights by name and version."""
    live = read(mirror.get(HTTP_ROUTE, NAME)).weights
    return {mirror.logical(service): weight for service, weight in live.items()}


def is_(obj: Object | None, kind: str) -> bool:
    """Whether a condition is true."""
    conditions: list[Any] = (obj or {}).get("status", {}).get("conditions", [])
    return any((each["type"], each["status"]) == (kind, "True") for each in conditions)


def _at(lane: Lane, name: str) -> dict[str, str]:
    return {"namespace": lane.mirror.namespace, "name": name}
