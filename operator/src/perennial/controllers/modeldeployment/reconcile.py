"""One pass over a ModelDeployment: observe, decide, apply."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import replace

from perennial.controllers.modeldeployment import naming
from perennial.controllers.modeldeployment.carry import carry_out
from perennial.controllers.modeldeployment.course import course
from perennial.controllers.modeldeployment.decide import decide
from perennial.controllers.modeldeployment.gateways import Gateways
from perennial.controllers.modeldeployment.observe import observe
from perennial.controllers.modeldeployment.observed import Observed
from perennial.controllers.modeldeployment.plan import Plan, hindered, plan
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
from perennial.ports.kube import Kube
from perennial.rollout import Verdict


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
        unmerged: Callable[[str, str], bool] = lambda *_: False,
        gateways: Gateways | None = None,
        waiting: Callable[[], int] = lambda: 0,
    ) -> None:
        """``unmerged`` says whether the gateway counts the route of that namespace and name by rule, not by Service.

        Without ``gateways`` that are told of events, they are read in every pass. ``waiting`` is how many other objects
        wait for theirs.
        """
        self._kube = kube
        self._clock = clock
        self._settings = settings
        self._events = events
        self._analysis = analysis
        self._metrics = metrics
        self._unmerged = unmerged
        self._waiting = waiting
        self._gateways = gateways or Gateways(kube, clock, seconds=0)

    async def reconcile(self, namespace: str, name: str) -> Result:
        """One pass; an object that is gone, or going, is left to the garbage collector."""
        key = Key(self.kind.kind, namespace, name)
        deployment = await self._kube.get(self.kind, namespace, name)
        if deployment is None or "deletionTimestamp" in deployment["metadata"]:
            self._analysis.forget(key)
            return Result()
        image, reading = self._settings.trainer_image, self._analysis.read(key)
        unmerged = self._unmerged(namespace, name)
        seen = await observe(self._kube, self._gateways, deployment, image, reading, unmerged)
        now = self._clock.now()
        todo = plan(seen, decide(seen, now), now, secrets.token_hex(8))
        if self._waiting() and await self._only_route(seen, todo, key):
            return Result(0.0)
        todo = await self._carry_out(seen, todo, key)
        self._follow(seen, key)
        return Result(todo.requeue_after)

    def _follow(self, seen: Observed, key: Key) -> None:
        followed = watched(seen, self._settings, self._clock.now(), key)
        if followed:
            self._analysis.track(followed)
        elif seen.status.canary is None and not course(seen, self._clock.now()).bakes:
            self._analysis.forget(key)

    async def _only_route(self, seen: Observed, todo: Plan, key: Key) -> bool:
        """Of a rollback only the route, while others wait: theirs may be worse for users than words that come later.

        The route says of itself what was done, so the next pass finds it as after a crash.
        """
        routes = tuple(each for each in todo.apply if each[0] is HTTP_ROUTE)
        if todo.verdict != Verdict.ROLL_BACK or not routes:
            return False
        only = replace(todo, apply=routes, create=(), delete=())
        return await carry_out(self._kube, self.manager, seen, only, lambda: self._analysis.changing(key)) is None

    async def _carry_out(self, seen: Observed, todo: Plan, key: Key) -> Plan:
        # Counts are cut at a change of weights: nothing is counted until the next pass has seen it.
        problem = await carry_out(self._kube, self.manager, seen, todo, lambda: self._analysis.changing(key))
        if problem:
            todo = hindered(seen, problem, self._clock.now())
        written = await write_and_tell(self._kube, self.kind, self.manager, self._events, seen.deployment, todo)
        if written and todo.verdict:
            self._metrics.decided(todo.verdict)
        return todo
