"""The example on a played cluster: all three reconcilers, as the operator's service account."""

from __future__ import annotations

from typing import Any

from perennial.controllers.modelversion import ModelVersionReconciler
from perennial.controllers.trainingrun import TrainingRunReconciler
from perennial.ports.kinds import JOB, MODEL_DEPLOYMENT, MODEL_VERSION, TRAINING_RUN, Kind
from perennial.ports.kube import KubeClient, Object
from perennial.rollout import Verdict
from tests.apiserver import playing
from tests.apiserver.modeldeployment.stage import CHILDREN, Stage

OURS = (TRAINING_RUN, MODEL_VERSION, MODEL_DEPLOYMENT)
KINDS = {each.kind for each in OURS}


class Flights(Stage):
    """The namespace of the example. A training that is begun ends well; the evidence is by hand."""

    def __init__(self, namespace: str, admin: KubeClient, operator: KubeClient) -> None:
        super().__init__(namespace, admin, operator, "flights")
        self.clock = playing.clock()
        events = playing.recorder(operator, self.clock)
        common = (operator, self.clock, playing.SETTINGS, events)
        self._others: dict[Kind, Any] = {
            TRAINING_RUN: TrainingRunReconciler(*common),
            MODEL_VERSION: ModelVersionReconciler(*common),
        }

    async def step(self) -> None:
        """One pass over everything."""
        for kind, reconciler in self._others.items():
            for obj in await self.admin.list(kind, self.namespace):
                await playing.one_pass(reconciler, self.namespace, obj["metadata"]["name"])
        await super().step()

    async def _end_jobs(self) -> None:
        for run in await self.admin.list(TRAINING_RUN, self.namespace):
            job = await self.admin.get(JOB, self.namespace, run["metadata"]["name"])
            if job and not job.get("status", {}).get("conditions"):
                artifact = playing.trained(self.namespace, run["metadata"]["uid"])
                await playing.make_pod(self.admin, job, playing.ended("train", 0, artifact))
                await playing.end_job(self.admin, job, "Complete")
        await super()._end_jobs()

    async def everything(self) -> list[Object]:
        """Every object of our kinds and of those that we make."""
        kinds = dict.fromkeys((*OURS, *CHILDREN))
        return [each for kind in kinds for each in await self.admin.list(kind, self.namespace)]

    async def versions(self) -> dict[tuple[str, str], str]:
        """The resourceVersion of everything that the operator made."""
        found = await self.everything()
        owned = [each for each in found if each["kind"] == "ModelVersion" or "ownerReferences" in each["metadata"]]
        return {(each["kind"], each["metadata"]["name"]): each["metadata"]["resourceVersion"] for each in owned}

    async def wanted(self) -> list[Object]:
        """Everything else, without the apiserver's own bookkeeping of who applied it when."""
        found = [each for each in await self.everything() if "ownerReferences" not in each["metadata"]]
        book = ("resourceVersion", "managedFields")
        kept = [{key: value for key, value in each["metadata"].items() if key not in book} for each in found]
        return [{**each, "metadata": metadata} for each, metadata in zip(found, kept, strict=True)]

    async def news(self) -> str:
        """What a person would notice: what everything waits for, and the canary's weight."""
        found = [each.get("status", {}) for each in await self.everything() if each["kind"] in KINDS]
        conditions = [each for status in found for each in status.get("conditions", [])]
        told = [each["reason"] for each in conditions if each["type"] == "Reconciling"]
        return f"{told} {[status.get('canary', {}).get('weight') for status in found]}"

    async def generation(self) -> int:
        """How often the spec of the ModelDeployment was another."""
        return int((await self.get())["metadata"]["generation"])

    def evidence(self) -> None:
        """Good news for the canary at whatever step it is."""
        if self.analysis.watched is not None:
            last = self.analysis.watched.step == 2  # of 10, 25 and 50 %
            self.analysis.says(Verdict.PROMOTE if last else Verdict.ADVANCE)
