"""A cluster small enough to see through: the tests play KServe, the kubelet, the gateway and the evidence."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from perennial.controllers.modeldeployment import ModelDeploymentReconciler
from perennial.controllers.modeldeployment.route import LiveRoute, read
from perennial.core.analysis_types import NOT_ROUTED, Reading, Watched
from perennial.core.clock import FakeClock
from perennial.core.conditions import format_time
from perennial.core.events import EventRecorder
from perennial.core.metrics import Metrics
from perennial.core.queue import Key
from perennial.core.settings import Settings
from perennial.ports.kinds import CONTROLLER_REVISION, HTTP_ROUTE, INFERENCE_SERVICE, JOB, MODEL_DEPLOYMENT, POD, Kind
from perennial.ports.kube_fake import RecordingKube
from perennial.rollout import Verdict
from tests.unit.controllers.modeldeployment.objects import (
    NAME,
    NAMESPACE,
    condition,
    deployment,
    gateway,
    job_pod,
    pod_of,
    version,
)

SETTINGS = Settings(
    trainer_image="localhost/perennial-trainer:one", namespace="perennial-system", pod_name="operator-0"
)

BLANK = Reading(
    verdict=Verdict.HOLD,
    reason="InsufficientEvidence",
    message="Not decided yet.",
    step=0,
    canary_requests=10,
    canary_bad=0,
    stable_requests=90,
    stable_bad=1,
    evidence_rollback=0.0,
    evidence_advance=0.0,
    bound_rollback=4.6,
    bound_advance=3.0,
    first_step=0,
    checkpoint="",
    at=FakeClock().now(),
)


class PlayedAnalysis:
    """Evidence by hand: the verdict of a test for the rollout that the controller asked to follow."""

    def __init__(self) -> None:
        self.watched: Watched[Key] | None = None
        self.reading: Reading | None = None

    def track(self, watched: Watched[Key]) -> None:
        """A rollout that is not the one before has no reading yet."""
        if self.watched is None or (self.watched.revision, self.watched.step) != (watched.revision, watched.step):
            self.reading = None
        self.watched = watched

    def changing(self, key: Key) -> None:
        """The route is about to be written; what was said of the weights before still stands for this step."""

    def read(self, key: Key) -> Reading | None:
        return self.reading

    def forget(self, key: Key) -> None:
        self.watched = self.reading = None

    def says(self, verdict: Verdict, **more: Any) -> None:
        """Give a reading of what is followed; nothing while nothing is."""
        if self.watched is not None:
            reason = "InsufficientEvidence" if verdict is Verdict.HOLD else ""
            said = replace(BLANK, verdict=verdict, reason=reason, message=f"It says {verdict}.", step=self.watched.step)
            self.reading = replace(said, **more)


class World:
    """The cluster, and the reconciler under test."""

    def __init__(
        self, *versions: dict[str, Any], kube: RecordingKube | None = None, missing: tuple[Kind, ...] = (), **spec: Any
    ) -> None:
        self.kube = kube or RecordingKube(missing=missing)
        for obj in (*gateway(), *versions, deployment(**spec)):
            self.kube.put(obj)
        self.clock = FakeClock()
        self.analysis = PlayedAnalysis()
        self.settings = SETTINGS
        self.start()

    def start(self) -> None:
        """The operator starts: what it held in memory is gone."""
        self.analysis.forget(Key("ModelDeployment", NAMESPACE, NAME))
        events = EventRecorder(self.kube, self.clock, "operator-0")
        self.reconciler = ModelDeploymentReconciler(
            self.kube,
            self.clock,
            self.settings,
            events,
            self.analysis,  # type: ignore[arg-type]  the same three methods
            Metrics(),
        )

    async def step(self) -> float | None:
        """One pass."""
        return (await self.reconciler.reconcile(NAMESPACE, NAME)).requeue_after

    async def settle(self, passes: int = 8) -> None:
        """Passes, with the cluster doing its part in between, until no pass writes anything."""
        for _ in range(passes):
            before = len(self.kube.writes)
            await self.step()
            if len(self.kube.writes) == before:
                return
            await self.play()
        raise AssertionError(f"no rest after {passes} passes: {self.kube.writes[-1]}")

    async def play(self) -> None:
        """KServe, the kubelet, the gateway and the preflight do what they do."""
        await self.serve()
        await self.route_taken()
        await self.preflight()

    async def serve(self, ready: bool = True) -> None:
        """Every InferenceService has one pod, none has more."""
        services = {each["metadata"]["name"]: each for each in await self.kube.list(INFERENCE_SERVICE, NAMESPACE)}
        for pod in await self.kube.list(POD, NAMESPACE):
            if pod["metadata"]["name"].removesuffix("-pod") not in services:
                self.kube.drop(POD, NAMESPACE, pod["metadata"]["name"])
        for name, service in services.items():
            if await self.kube.get(POD, NAMESPACE, f"{name}-pod") is None:
                self.kube.put(pod_of(service, ready, format_time(self.clock.now())))

    async def route_taken(self, status: str = "True") -> None:
        """The gateway looks at the route."""
        route = await self.kube.get(HTTP_ROUTE, NAMESPACE, NAME)
        if route is None:
            return
        seen = route["metadata"]["generation"]
        conditions = [condition(kind, status) | {"observedGeneration": seen} for kind in ("Accepted", "ResolvedRefs")]
        self.kube.put({**route, "status": {"parents": [{"conditions": conditions}]}})

    async def preflight(self, outcome: str = "Complete", message: str = "", said: str = "") -> None:
        """Every Job that runs ends; ``said`` is the termination message of its pod, if it left one."""
        for job in await self.kube.list(JOB, NAMESPACE):
            if "status" not in job:
                ended = condition(outcome, "True") | {"message": message}
                self.kube.put({**job, "status": {"conditions": [ended]}})
                if said:
                    self.kube.put(job_pod(job, said))

    async def pod(self, service: str, **container: Any) -> None:
        """The pod of a revision is not ready, and its container is so."""
        name = f"{service}-pod"
        pod = await self.kube.get(POD, NAMESPACE, name)
        assert pod is not None
        status = {"conditions": [condition("Ready", "False")], "containerStatuses": [container]}
        self.kube.put({**pod, "status": status})

    async def change(self, **spec: Any) -> None:
        """A person changes the spec."""
        obj = await self.get()
        kept = {key: value for key, value in obj["spec"].items() if not ("version" in spec and key == "follow")}
        metadata = obj["metadata"] | {"generation": obj["metadata"]["generation"] + 1}
        self.kube.put({**obj, "metadata": metadata, "spec": {**kept, **spec}})

    async def wipe(self) -> None:
        """The status is lost."""
        obj = await self.get()
        obj.pop("status", None)
        self.kube.put(obj)

    async def get(self) -> dict[str, Any]:
        obj = await self.kube.get(MODEL_DEPLOYMENT, NAMESPACE, NAME)
        assert obj is not None
        return obj

    async def status(self) -> dict[str, Any]:
        status: dict[str, Any] = (await self.get()).get("status", {})
        return status

    async def conditions(self) -> dict[str, tuple[str, str]]:
        """Type -> status and reason."""
        return {each["type"]: (each["status"], each["reason"]) for each in (await self.status())["conditions"]}

    async def says(self, kind: str) -> str:
        """The message of a condition."""
        return str(next(each["message"] for each in (await self.status())["conditions"] if each["type"] == kind))

    async def route(self) -> LiveRoute:
        return read(await self.kube.get(HTTP_ROUTE, NAMESPACE, NAME))

    async def weights(self) -> dict[int, int]:
        """Version -> percent, as the route says."""
        records = await self.kube.list(CONTROLLER_REVISION, NAMESPACE)
        versions = {each["metadata"]["name"]: each["data"]["version"] for each in records}
        return {versions[service]: weight for service, weight in (await self.route()).weights.items()}

    async def services(self) -> list[str]:
        return [each["metadata"]["name"] for each in await self.kube.list(INFERENCE_SERVICE, NAMESPACE)]

    async def serving(self) -> None:
        """Version 1 serves and is at rest."""
        await self.settle()
        assert await self.weights() == {1: 100}

    async def in_traffic(self, number: int = 2) -> None:
        """Beside version 1 a version gets the first step's share."""
        await self.serving()
        self.kube.put(version(number))
        await self.until_followed(NOT_ROUTED)
        self.analysis.says(Verdict.HOLD)
        await self.until_followed(0)
        assert (await self.weights())[number] == 10

    async def until_followed(self, step: int, first: bool = False) -> None:
        """Until the evidence of this step is asked for; with `first`, evidence to take the first step is given."""
        for _ in range(12):
            if first and self.analysis.watched and self.analysis.watched.step == NOT_ROUTED:
                self.analysis.says(Verdict.HOLD)
            if self.analysis.watched and self.analysis.watched.step == step and await self._ready_for(step):
                return
            await self.step()
            await self.play()
        raise AssertionError(f"never at step {step}")

    async def _ready_for(self, step: int) -> bool:
        jobs = await self.kube.list(JOB, NAMESPACE)
        return step != NOT_ROUTED or any("status" in job for job in jobs)

    async def events(self) -> list[str]:
        """The reasons of all events, oldest first."""
        return [write.body["reason"] for write in self.kube.writes if write.kind == "Event"]

    async def outcomes(self) -> dict[int, str]:
        """Version -> outcome, as its record says."""
        records = await self.kube.list(CONTROLLER_REVISION, NAMESPACE)
        return {
            each["data"]["version"]: each["metadata"]["labels"].get("perennial.dev/outcome", "") for each in records
        }

    async def roles(self) -> dict[int, str]:
        """Version -> role, as its record says."""
        records = await self.kube.list(CONTROLLER_REVISION, NAMESPACE)
        return {each["data"]["version"]: each["metadata"]["labels"].get("perennial.dev/role", "") for each in records}
