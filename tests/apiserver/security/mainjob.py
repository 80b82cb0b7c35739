"""The main job, step by step, with the operator's reconcilers as a given user; the test plays everybody else."""

from __future__ import annotations

import copy
import json
from collections.abc import Awaitable, Callable
from typing import Any

from perennial.controllers.modelversion import ModelVersionReconciler
from perennial.controllers.trainingrun import TrainingRunReconciler
from perennial.core.metrics import Metrics
from perennial.core.queue import Key, WorkQueue
from perennial.core.reconciling import Reconciler, Result, Workers
from perennial.ports.kinds import CONTROLLER_REVISION, JOB, MODEL_VERSION, TRAINING_RUN, Kind
from perennial.ports.kube import KubeClient, Object, Unavailable
from perennial.rollout import Verdict
from tests.apiserver import playing
from tests.apiserver.modeldeployment.stage import NAME, Stage
from tests.apiserver.support import eventually

RECORDS = 21
"""More than are kept."""


class PermissionNamedError(Exception):
    """A pass has said which permission is missing."""


Look = Callable[[Kind, str, str], Awaitable[None]]
"""Called after each pass with the kind, namespace and name of its object."""


async def look_away(kind: Kind, namespace: str, name: str) -> None:
    """For those who are interested in the end only."""


class _Patient:
    """Tries again while the apiserver says later: definitions are new here."""

    def __init__(self, reconciler: Reconciler) -> None:
        self._reconciler = reconciler
        self.kind, self.manager = reconciler.kind, reconciler.manager

    async def reconcile(self, namespace: str, name: str) -> Result:
        async def attempt() -> Result | None:
            try:
                return await self._reconciler.reconcile(namespace, name)
            except Unavailable:
                return None

        return await eventually(attempt, "an apiserver that answers")


class Passes:
    """Passes as the operator's workers make them: what goes wrong is logged."""

    def __init__(self, reconciler: Reconciler, look: Look) -> None:
        self._workers = Workers(WorkQueue(playing.clock()), {reconciler.kind.kind: _Patient(reconciler)}, Metrics(), 1)
        self._kind, self._look = reconciler.kind, look

    async def one(self, namespace: str, name: str) -> None:
        await self._workers.process(Key(self._kind.kind, namespace, name))
        await self._look(self._kind, namespace, name)


class Deploying(Stage):
    """The stage of a ModelDeployment, its passes made by a worker."""

    def __init__(self, namespace: str, admin: KubeClient, operator: KubeClient, look: Look) -> None:
        super().__init__(namespace, admin, operator)
        self._passes = Passes(self.reconciler, look)

    async def step(self) -> None:
        await self._passes.one(self.namespace, NAME)


class MainJob:
    """One namespace; each method is a part of the main job and leaves the next one nothing to wait for."""

    def __init__(self, admin: KubeClient, operator: KubeClient, namespace: str, look: Look) -> None:
        self.admin, self.operator, self.namespace, self.look = admin, operator, namespace, look
        self.clock = playing.clock()
        self.events = playing.recorder(operator, self.clock)

    async def train(self) -> None:
        """A run, its Job, its version, the removal of its Job."""
        for claim in ("flights-data", "models"):
            await playing.make_claim(self.admin, self.namespace, claim)
        made = await self.admin.create(TRAINING_RUN, run(self.namespace))
        reconciler = TrainingRunReconciler(self.operator, self.clock, playing.SETTINGS, self.events)
        passes = Passes(reconciler, self.look)
        await passes.one(self.namespace, "january")
        job = await self._find(JOB, "january")
        said = playing.trained(self.namespace, made["metadata"]["uid"])
        await playing.make_pod(self.admin, job, playing.ended("train", 0, said))
        await playing.end_job(self.admin, job, "Complete")
        await passes.one(self.namespace, "january")
        await self._find(MODEL_VERSION, "flights-1")
        self.clock.advance(601)
        await passes.one(self.namespace, "january")
        assert await self.admin.get(JOB, self.namespace, "january") is None

    async def verify(self) -> None:
        """An imported version, its verify Job, the removal of that."""
        await self.admin.create(MODEL_VERSION, imported(self.namespace))
        passes = Passes(ModelVersionReconciler(self.operator, self.clock, playing.SETTINGS, self.events), self.look)
        await passes.one(self.namespace, "flights-7")
        (job,) = await self.admin.list(JOB, self.namespace)
        said = json.dumps({"outcome": "Succeeded", "artifact": {"sha256": playing.SHA, "sizeBytes": 1}})
        await playing.make_pod(self.admin, job, playing.ended("verify", 0, said))
        await playing.end_job(self.admin, job, "Complete")
        await passes.one(self.namespace, "flights-7")
        assert playing.condition(await self._find(MODEL_VERSION, "flights-7"), "Verified") == ("True", "DigestChecked")
        assert await self.admin.list(JOB, self.namespace) == []

    async def of_run(self) -> None:
        """The version of a run looks at its run."""
        made = await self.admin.create(TRAINING_RUN, run(self.namespace, "other"))
        obj = imported(self.namespace, 8)
        obj["spec"]["trainingRunRef"] = {"name": "other", "uid": made["metadata"]["uid"]}
        await self.admin.create(MODEL_VERSION, obj)
        passes = Passes(ModelVersionReconciler(self.operator, self.clock, playing.SETTINGS, self.events), self.look)
        await passes.one(self.namespace, "flights-8")

    async def deploy(self) -> None:
        """First version, canary, promotion, scale-down, a canary that is rolled back, two pods, old records."""
        stage = Deploying(self.namespace, self.admin, self.operator, self.look)
        await self._rejected_before_it_served(stage)
        await stage.release(2)
        await stage.settle()
        await stage.release(3)
        await stage.until_followed(-1)
        for verdict, step in ((Verdict.HOLD, 0), (Verdict.ADVANCE, 1)):
            stage.analysis.says(verdict)
            await stage.until_followed(step)
        stage.analysis.says(Verdict.PROMOTE)
        await stage.settle()
        stage.clock.advance(61)
        await stage.settle()
        assert await stage.weights() == {3: 100}
        await stage.release(4)
        await stage.until_followed(-1)
        stage.analysis.says(Verdict.HOLD)
        await stage.until_followed(0)
        stage.analysis.says(Verdict.ROLL_BACK, message="It is worse.")
        await stage.settle()
        assert await stage.weights() == {3: 100}
        for replicas in (2, 1):
            await stage.deploy(scaleDownSeconds=60, serving={"replicas": replicas})
            await stage.settle()
        await self._many_records()
        await stage.settle()
        records = await self.admin.list(CONTROLLER_REVISION, self.namespace)
        assert len(records) <= RECORDS

    async def _rejected_before_it_served(self, stage: Stage) -> None:
        await stage.release(1)
        await stage.deploy(scaleDownSeconds=60)
        await self._routed(stage)
        version = await self._find(MODEL_VERSION, "late-1")
        head = {"namespace": self.namespace, "name": "late-1"}
        spec = {**version["spec"], "approval": {"decision": "Rejected"}}
        await self.admin.apply(MODEL_VERSION, {"metadata": head, "spec": spec}, manager="person")
        await stage.settle()

    async def _routed(self, stage: Stage) -> None:
        for _ in range(3):
            await stage.step()
            await stage.play()

    async def _many_records(self) -> None:
        """Records of revisions that served long ago."""
        old = next(
            each for each in await self.admin.list(CONTROLLER_REVISION, self.namespace) if each["data"]["version"] == 2
        )
        kept = ("namespace", "labels", "annotations", "ownerReferences")
        for number in range(RECORDS):
            record: dict[str, Any] = copy.deepcopy(old)
            record["metadata"] = {key: value for key, value in record["metadata"].items() if key in kept}
            record["metadata"]["name"] = f"late-{number:010x}"
            record["metadata"]["labels"]["perennial.dev/revision"] = f"{number:010x}"
            await self.admin.create(CONTROLLER_REVISION, record)

    async def _find(self, kind: Kind, name: str) -> Object:
        found = await self.admin.get(kind, self.namespace, name)
        assert found is not None, f"{kind.kind} {name} is not there"
        return found


def run(namespace: str, name: str = "january") -> Object:
    """A TrainingRun whose Job goes ten minutes after its end."""
    spec: Object = {
        "modelName": "flights",
        "data": {"uri": "pvc://flights-data/january.csv"},
        "trainer": {"estimator": {"name": "LogisticRegression", "target": "late", "numeric": ["distance"]}},
        "output": {"storageUri": "pvc://models"},
        "approval": "Automatic",
        "ttlSecondsAfterFinished": 600,
    }
    return {"metadata": {"namespace": namespace, "name": name}, "spec": spec}


def imported(namespace: str, number: int = 7) -> Object:
    """A ModelVersion that a person registers."""
    artifact = {"uri": "pvc://models/imported", "sha256": playing.SHA}
    spec = {"modelName": "flights", "version": number, "artifact": artifact}
    return {"metadata": {"namespace": namespace, "name": f"flights-{number}"}, "spec": spec}


def deployment(namespace: str, **spec: Any) -> Object:
    """A ModelDeployment of the model flights."""
    router = {"gatewayRef": {"name": "gw", "namespace": "envoy-gateway-system"}, "hostname": f"{namespace}.test"}
    body = {"modelName": "flights", "router": router, **({} if "version" in spec else {"follow": "LatestApproved"})}
    return {"metadata": {"namespace": namespace, "name": "flights"}, "spec": body | spec}
