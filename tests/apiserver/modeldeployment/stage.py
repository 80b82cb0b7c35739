"""What plays KServe, the kubelet, the Job controller, the gateway and the evidence."""

from __future__ import annotations

from typing import Any

from perennial.controllers.modeldeployment import ModelDeploymentReconciler
from perennial.controllers.modeldeployment.route import read
from perennial.core.clock import FakeClock
from perennial.core.conditions import format_time
from perennial.core.events import EventRecorder
from perennial.core.metrics import Metrics
from perennial.core.settings import Settings
from perennial.ports.kinds import (
    CONTROLLER_REVISION,
    HTTP_ROUTE,
    INFERENCE_SERVICE,
    JOB,
    MODEL_DEPLOYMENT,
    MODEL_VERSION,
    POD,
    SERVING_RUNTIME,
)
from perennial.ports.kube import KubeClient, Object
from tests.apiserver.support import Kubectl
from tests.unit.controllers.modeldeployment.objects import deployment, version
from tests.unit.controllers.modeldeployment.world import SETTINGS, PlayedAnalysis

NAME = "late"
CHILDREN = (HTTP_ROUTE, INFERENCE_SERVICE, SERVING_RUNTIME, CONTROLLER_REVISION, JOB)
PLAYER = "test"
GATEWAY = ("envoy-gateway-system", "gw")
# What pod security "restricted" asks for, as KServe has it from our InferenceServices.
RESTRICTED = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
CONTAINED = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}


def gateway() -> list[Object]:
    """A Gateway with one HTTP listener, and its Service."""
    place = {"namespace": "envoy-gateway-system"}
    owning = "gateway.envoyproxy.io/owning-gateway"
    labels = {f"{owning}-name": "gw", f"{owning}-namespace": "envoy-gateway-system"}
    return [
        {
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "Gateway",
            "metadata": {**place, "name": "gw"},
            "spec": {"gatewayClassName": "eg", "listeners": [{"name": "http", "protocol": "HTTP", "port": 8080}]},
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {**place, "name": "envoy-gw", "labels": labels},
            "spec": {"ports": [{"port": 8080}], "selector": {"app": "envoy"}},
        },
    ]


def gateway_taken(namespace: str, name: str) -> Object:
    """The Gateway once its controller has taken it."""
    said = {"status": "True", "reason": "Played", "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z"}
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "Gateway",
        "metadata": {"namespace": namespace, "name": name},
        "status": {"conditions": [{"type": kind, **said} for kind in ("Accepted", "Programmed")]},
    }


class Stage:
    """One namespace with a ModelDeployment, and the reconciler under test as the operator's service account."""

    def __init__(
        self,
        namespace: str,
        admin: KubeClient,
        operator: KubeClient,
        name: str = NAME,
        kubectl: Kubectl | None = None,
    ) -> None:
        self.namespace, self.admin, self.name, self.kubectl = namespace, admin, name, kubectl
        self.clock, self.analysis = FakeClock(), PlayedAnalysis()
        settings: Settings = SETTINGS
        self.reconciler = ModelDeploymentReconciler(
            operator,
            self.clock,
            settings,
            EventRecorder(operator, self.clock, "operator-0"),
            self.analysis,  # type: ignore[arg-type]  the same three methods
            Metrics(),
        )

    async def release(self, number: int) -> None:
        """ModelVersion late-``number`` is there, approved and verified."""
        obj = version(number)
        status = {
            "conditions": [{**each, "reason": "DigestFromRun"} for each in obj["status"]["conditions"]],
        }
        metadata = {"namespace": self.namespace, "name": f"late-{number}"}
        made = await self.admin.create(MODEL_VERSION, {"metadata": metadata, "spec": obj["spec"]})
        await self._says(MODEL_VERSION, made, status)

    async def deploy(self, **spec: Any) -> Object:
        """A person applies the ModelDeployment."""
        obj = {"metadata": {"namespace": self.namespace, "name": self.name}, "spec": deployment(**spec)["spec"]}
        return await self.admin.apply(MODEL_DEPLOYMENT, obj, manager="person")

    async def step(self) -> None:
        """One pass."""
        await self.reconciler.reconcile(self.namespace, self.name)

    async def settle(self, passes: int = 12) -> None:
        """Passes, the cluster doing its part in between, until a pass changes nothing."""
        for _ in range(passes):
            before = await self.versions()
            await self.step()
            if await self.versions() == before:
                return
            await self.play()
        raise AssertionError(f"no rest after {passes} passes")

    async def until_followed(self, step: int) -> None:
        """Until the evidence of this step is asked for and every Job has ended."""
        for _ in range(12):
            followed = self.analysis.watched
            jobs = await self.admin.list(JOB, self.namespace)
            if followed and followed.step == step and (step >= 0 or any(each.get("status") for each in jobs)):
                return
            await self.step()
            await self.play()
        raise AssertionError(f"never at step {step}")

    async def play(self, *, route: bool = True) -> None:
        """Everything that others do; without `route` the gateway does nothing."""
        services = {each["metadata"]["name"]: each for each in await self.admin.list(INFERENCE_SERVICE, self.namespace)}
        pods = {each["metadata"]["name"]: each for each in await self.admin.list(POD, self.namespace)}
        for name, pod in pods.items():
            if name.removesuffix("-pod") not in services:
                await self.admin.delete(POD, pod)
        for name, service in services.items():
            if f"{name}-pod" not in pods:
                await self._pod(name, service)
        if route:
            await self._take_route()
        await self._end_jobs()

    async def _pod(self, name: str, service: Object) -> None:
        labels = service["metadata"]["labels"]
        metadata = {"namespace": self.namespace, "name": f"{name}-pod", "labels": labels}
        container = {"name": "kserve-container", "image": "x:1", "securityContext": CONTAINED}
        spec = {"securityContext": RESTRICTED, "containers": [container]}
        pod = await self.admin.create(POD, {"metadata": metadata, "spec": spec})
        await self._says(POD, pod, {"conditions": [{"type": "Ready", "status": "True"}]})

    async def _take_route(self) -> None:
        route = await self.admin.get(HTTP_ROUTE, self.namespace, self.name)
        if route is None:
            return
        said = {"status": "True", "reason": "Accepted", "message": "", "lastTransitionTime": self._now()}
        said["observedGeneration"] = route["metadata"]["generation"]
        conditions = [{"type": kind, **said} for kind in ("Accepted", "ResolvedRefs")]
        parent = {"controllerName": "gateway.envoyproxy.io/eg", "parentRef": route["spec"]["parentRefs"][0]}
        await self._says(HTTP_ROUTE, route, {"parents": [{**parent, "conditions": conditions}]})

    async def _end_jobs(self) -> None:
        for job in await self.admin.list(JOB, self.namespace):
            if job.get("status", {}).get("completionTime"):
                continue
            ended = [{"type": kind, "status": "True"} for kind in ("SuccessCriteriaMet", "Complete")]
            times = {"startTime": self._now(), "completionTime": self._now()}
            await self._says(JOB, job, {"conditions": ended, **times})

    async def _says(self, kind: Any, obj: Object, status: dict[str, Any]) -> None:
        metadata = {key: obj["metadata"][key] for key in ("namespace", "name")}
        await self.admin.apply_status(kind, {"metadata": metadata, "status": status}, manager=PLAYER)

    def _now(self) -> str:
        return format_time(self.clock.now())

    async def get(self) -> Object:
        obj = await self.admin.get(MODEL_DEPLOYMENT, self.namespace, self.name)
        assert obj is not None
        return obj

    async def status(self) -> dict[str, Any]:
        status: dict[str, Any] = (await self.get())["status"]
        return status

    async def conditions(self) -> dict[str, tuple[str, str]]:
        """Type -> status and reason."""
        return {each["type"]: (each["status"], each["reason"]) for each in (await self.status())["conditions"]}

    async def says(self, kind: str) -> str:
        """The message of a condition; empty when it is absent."""
        said = (each["message"] for each in (await self.status())["conditions"] if each["type"] == kind)
        return str(next(said, ""))

    async def weights(self) -> dict[int, int]:
        """Version -> percent, as the route says."""
        records = await self.admin.list(CONTROLLER_REVISION, self.namespace)
        versions = {each["metadata"]["name"]: each["data"]["version"] for each in records}
        route = await self.admin.get(HTTP_ROUTE, self.namespace, self.name)
        return {versions[service]: weight for service, weight in read(route).weights.items()}

    async def children(self) -> list[Object]:
        """Everything in the namespace of the kinds that a ModelDeployment makes."""
        return [each for kind in CHILDREN for each in await self.admin.list(kind, self.namespace)]

    async def versions(self) -> dict[tuple[str, str], str]:
        """The resourceVersion of the ModelDeployment and of all that it made."""
        objects = [await self.get(), *await self.children()]
        return {(each["kind"], each["metadata"]["name"]): each["metadata"]["resourceVersion"] for each in objects}
