"""One pass over a ModelVersion."""

from __future__ import annotations

from perennial.controllers.modelversion.decide import decide, refused
from perennial.controllers.modelversion.observe import Observed, observe
from perennial.controllers.plan import Creation, Plan, look_and_act, settle
from perennial.core.clock import Clock
from perennial.core.events import EventRecorder
from perennial.core.reconciling import Result
from perennial.core.settings import Settings
from perennial.ports.kinds import MODEL_VERSION
from perennial.ports.kube import Kube


class ModelVersionReconciler:
    """Keeps the status of a version: verified, approved, in use by."""

    kind = MODEL_VERSION
    manager = "perennial-modelversion"

    def __init__(self, kube: Kube, clock: Clock, settings: Settings, events: EventRecorder) -> None:
        self._kube = kube
        self._clock = clock
        self._settings = settings
        self._events = events

    async def reconcile(self, namespace: str, name: str) -> Result:
        """One pass. Raises KubeError; an object that is gone is no error."""

        async def look() -> Observed | None:
            return await observe(self._kube, namespace, name, self._settings.trainer_image)

        acted = await look_and_act(self._kube, look, self._decide, self._refused)
        if acted is None:
            return Result()
        observed, plan = acted
        await settle(self._kube, self.kind, self.manager, self._events, observed.version, plan)
        return Result(plan.requeue_after)

    def _decide(self, observed: Observed) -> Plan:
        return decide(observed, self._clock.now())

    def _refused(self, observed: Observed, creation: Creation, words: str) -> Plan:
        return refused(observed, creation, words, self._clock.now())
