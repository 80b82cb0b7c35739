"""A played cluster around real operator processes: KServe, kubelet, gateway, requests and Prometheus, in a thread."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from perennial.controllers.modeldeployment.route import read
from perennial.ports.kinds import HTTP_ROUTE, INFERENCE_SERVICE, MODEL_DEPLOYMENT, SERVING_RUNTIME, Kind
from perennial.ports.kube import KubeClient, KubeError, Object
from tests.apiserver.modeldeployment.stage import NAME, Stage
from tests.apiserver.prometheus_stand_in import PrometheusStandIn
from tests.apiserver.support import Kubectl, until

T = TypeVar("T")
REQUESTS_PER_SECOND = 300.0
PLAY_SECONDS = 0.2
SCRAPE_SECONDS = 1.0
SPEC: dict[str, Any] = {
    "analysis": {"warmUpSeconds": 2, "metrics": [{"name": "errors", "tolerance": "0.05"}]},
    "scaleDownSeconds": 3600,
}


class Cluster:
    """ModelDeployment late in a namespace of its own. Methods block; use them from the test's thread."""

    def __init__(self, kubectl: Kubectl, namespace: str) -> None:
        self.namespace = namespace
        self.prometheus = PrometheusStandIn()
        self._kubectl = kubectl
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._playing: asyncio.Future[None] | None = None

    def __enter__(self) -> Cluster:
        self._kubectl("create", "namespace", self.namespace)
        self._thread.start()
        self.prometheus.__enter__()
        self.do(self._begin())
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.do(self._end())
        finally:
            self.prometheus.__exit__()
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    async def _begin(self) -> None:
        self._admin = await KubeClient.connect(kubeconfig=str(self._kubectl.kubeconfig))
        # Only what plays the others is used of it: the operators here are processes.
        self.stage = Stage(self.namespace, self._admin, self._admin)
        self._playing = asyncio.gather(self._play(), self._request())

    async def _end(self) -> None:
        assert self._playing is not None
        self._playing.cancel()
        await asyncio.gather(self._playing, return_exceptions=True)
        for deployment in await self._admin.list(MODEL_DEPLOYMENT, self.namespace):
            await self._admin.delete(MODEL_DEPLOYMENT, deployment)
        await self._admin.close()

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine of the stage."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    @contextmanager
    def meanwhile(self, work: Coroutine[Any, Any, None]) -> Iterator[None]:
        """Run a coroutine that never ends in the cluster's thread, until the block ends."""
        running = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            yield
        finally:
            ended_by_itself = running.done()
            running.cancel()
        assert not ended_by_itself, running.exception()

    async def _play(self) -> None:
        while True:
            try:
                await self.stage.play()
            except KubeError as error:  # the operator was faster; the next turn sees what is there
                print("played again:", error)
            await asyncio.sleep(PLAY_SECONDS)

    async def _request(self) -> None:
        last = time.monotonic()
        while True:
            route = read(await self._admin.get(HTTP_ROUTE, self.namespace, NAME))
            now = time.monotonic()
            count, last = REQUESTS_PER_SECOND * (now - last), now
            shares = {service: count * weight / 100 for service, weight in route.weights.items()}
            self.prometheus.scrape(self.namespace, shares)
            await asyncio.sleep(SCRAPE_SECONDS - (time.monotonic() - now))

    def serve(self, *weights: int) -> None:
        """Version 1 serves; the next one will climb these steps."""
        self.do(self.stage.release(1))
        steps = [{"weight": weight} for weight in weights]
        self.do(self.stage.deploy(strategy={"canary": {"steps": steps}}, **SPEC))
        until(lambda: self.weights() == {1: 100}, "version 1 serves", 40)

    def begin(self) -> None:
        """Version 2 gets its first requests, and they are being counted."""
        self.do(self.stage.release(2))
        until(self._counted, "version 2 gets requests", 40)

    def _counted(self) -> bool:
        analysis = self.status().get("analysis") or {}
        return self.weights().get(2, 0) > 0 and bool(analysis.get("checkpoint"))

    def end(self, seconds: float = 90) -> None:
        """Version 2 has taken over, and nothing is left to do."""
        until(lambda: self.end_state() == END, "the rollout ends as it should", seconds)

    def status(self) -> dict[str, Any]:
        """The status; empty while there is none."""
        return dict(self.do(self.stage.get()).get("status", {}))

    def weights(self) -> dict[int, int]:
        """Version -> percent, as the route says."""
        return self.do(self.stage.weights())

    def end_state(self) -> dict[str, Any]:
        """What is compared with an undisturbed rollout."""
        status = self.status()
        return {
            "weights": self.weights(),
            "history": [(each["version"], each["outcome"]) for each in status.get("history", [])],
            "conditions": {each["type"]: each["status"] for each in status.get("conditions", [])},
            "services": len(self.objects(INFERENCE_SERVICE)),
        }

    def objects(self, kind: Kind) -> dict[str, Object]:
        """Objects of the namespace by name."""
        return {each["metadata"]["name"]: each for each in self.do(self._admin.list(kind, self.namespace))}

    def running(self) -> dict[tuple[str, str], tuple[str, Any]]:
        """What runs: resourceVersion and spec of everything that pods are made of."""
        kinds = (INFERENCE_SERVICE, SERVING_RUNTIME)
        return {
            (kind.kind, name): (each["metadata"]["resourceVersion"], each["spec"])
            for kind in kinds
            for name, each in self.objects(kind).items()
        }


END = {
    "weights": {1: 0, 2: 100},
    "history": [(2, "Promoted"), (1, "Deployed")],
    "conditions": {"Ready": "True", "UpToDate": "True", "GatewayReady": "True"},
    "services": 2,
}
