"""One TrainingRun on a real apiserver; the test plays kubelet and Job controller."""

from __future__ import annotations

from typing import Any

from perennial.controllers.trainingrun import TrainingRunReconciler
from perennial.ports.kinds import JOB, MODEL_VERSION, TRAINING_RUN
from perennial.ports.kube import KubeClient, Object
from tests.apiserver import playing
from tests.apiserver.support import Kubectl

NAME = "flights-january"


def manifest(namespace: str, name: str = NAME, **spec: Any) -> Object:
    body: Object = {
        "modelName": "flights",
        "data": {"uri": "pvc://flights-data/january.csv"},
        "trainer": {"estimator": {"name": "LogisticRegression", "target": "late", "numeric": ["distance"]}},
        "output": {"storageUri": "pvc://models"},
    }
    return {"metadata": {"namespace": namespace, "name": name}, "spec": body | spec}


class World:
    """One run and its claims; `turn` is one pass of the operator, with its permissions."""

    def __init__(self, kube: KubeClient, operator: KubeClient, namespace: str) -> None:
        self.kube, self.operator, self.namespace = kube, operator, namespace
        self.clock = playing.clock()
        self.restart()

    def restart(self) -> None:
        """The operator knows nothing but what the apiserver knows."""
        events = playing.recorder(self.operator, self.clock)
        self.reconciler = TrainingRunReconciler(self.operator, self.clock, playing.SETTINGS, events)

    async def make(self, **spec: Any) -> None:
        for claim in ("flights-data", "models"):
            await playing.make_claim(self.kube, self.namespace, claim)
        await self.kube.create(TRAINING_RUN, manifest(self.namespace, **spec))

    async def turn(self) -> float | None:
        return await playing.one_pass(self.reconciler, self.namespace, NAME)

    async def run(self) -> Object:
        run = await self.kube.get(TRAINING_RUN, self.namespace, NAME)
        assert run is not None
        return run

    async def job(self) -> Object:
        job = await self.kube.get(JOB, self.namespace, NAME)
        assert job is not None
        return job

    async def versions(self) -> list[str]:
        return [each["metadata"]["name"] for each in await self.kube.list(MODEL_VERSION, self.namespace)]

    async def end(self, exit_code: int = 0, text: str | None = None, reason: str = "Completed") -> None:
        uid = (await self.run())["metadata"]["uid"]
        said = playing.trained(self.namespace, uid) if text is None else text
        await playing.make_pod(self.kube, await self.job(), playing.ended("train", exit_code, said, reason))
        await playing.end_job(self.kube, await self.job(), "Failed" if exit_code else "Complete")

    def wipe(self, kubectl: Kubectl) -> None:
        """The status is lost."""
        what = '[{"op": "remove", "path": "/status"}]'
        kubectl(
            *("-n", self.namespace, "patch", "trainingrun", NAME),
            *("--subresource=status", "--type=json", "-p", what),
        )
