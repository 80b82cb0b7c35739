"""One pass over a ModelDeployment: observe, decide, apply."""

from __future__ import annotations

import secrets
from typing import Any

from perennial.controllers.modeldeployment import naming
from perennial.controllers.modeldeployment.decide import decide
from perennial.controllers.modeldeployment.observe import observe
from perennial.controllers.modeldeployment.observed import Observed
from perennial.controllers.modeldeployment.plan import Plan, plan, refused
from perennial.controllers.modeldeployment.watched import watched
from perennial.controllers.plan import write_and_tell
from perennial.core.analysis import Analysis
from perennial.core.clock import Clock
from perennial.core.events import EventRecorder
from perennial.core.metrics import Metrics
from perennial.core.queue import Key
from perennial.core.reconciling import Result
from perennial.core.settings import Settings
from perennial.ports.kinds import HTTP_ROUTE, MODEL_DEPLOYMENT, Kind
from perennial.ports.kube import AlreadyExists, Forbidden, Invalid, Kube


class ModelDeploymentReconciler:
    """Keeps a model served, and moves its requests from one revision to the next on evidence."""

    kind: Kind = MODEL_DEPLOYMENT
    manager = naming.MANAGER

    def __init__(
        self,
        kube: Kube,
        clock: Clock,
        settings: Settings,
        events: EventRecorder,
        analysis: Analysis[Key],
        metrics: Metrics,
    ) -> None:
        self._kube = kube
        self._clock = clock
        self._settings = settings
        self._events = events
        self._analysis = analysis
        self._metrics = metrics

    async def reconcile(self, namespace: str, name: str) -> Result:
        """One pass; an object that is gone, or going, is left to the garbage collector."""
        key = Key(self.kind.kind, namespace, name)
        deployment = await self._kube.get(self.kind, namespace, name)
        if deployment is None or "deletionTimestamp" in deployment["metadata"]:
            self._analysis.forget(key)
            return Result()
        seen = await observe(self._kube, deployment, self._settings.trainer_image, self._analysis.read(key))
        now = self._clock.now()
        todo = plan(seen, decide(seen, now), now, secrets.token_hex(8))
        await self._carry_out(seen, todo, key)
        self._follow(seen, key)
        return Result(todo.requeue_after)

    def _follow(self, seen: Observed, key: Key) -> None:
        followed = watched(seen, self._settings, self._clock.now(), key)
        if followed:
            self._analysis.track(followed)
        elif seen.status.canary is None:
            self._analysis.forget(key)

    async def _carry_out(self, seen: Observed, todo: Plan, key: Key) -> None:
        try:
            await self._change(todo, key)
        except (Invalid, Forbidden) as error:
            todo = refused(seen, str(error), self._clock.now())
        written = await write_and_tell(self._kube, self.kind, self.manager, self._events, seen.deployment, todo)
        if written and todo.verdict:
            self._metrics.decided(todo.verdict)

    async def _change(self, todo: Plan, key: Key) -> None:
        for kind, obj in todo.apply:
            if kind is HTTP_ROUTE:
                # Counts are cut at a change of weights: nothing is counted until the next pass has seen it.
                self._analysis.changing(key)
            await self._kube.apply(kind, obj, manager=self.manager)
        for kind, obj in todo.create:
            await self._create(kind, obj)
        for kind, obj in todo.delete:
            await self._kube.delete(kind, obj)

    async def _create(self, kind: Kind, obj: dict[str, Any]) -> None:
        try:
            await self._kube.create(kind, obj)
        except AlreadyExists:
            # Left by a ModelDeployment of the same name; the garbage collector is about to take it.
            return
