"""One pass over a TrainingRun."""

from __future__ import annotations

from perennial.controllers.plan import Creation, Plan, look_and_act, settle
from perennial.controllers.trainingrun.decide import decide, refused
from perennial.controllers.trainingrun.observe import Observed, observe
from perennial.core.clock import Clock
from perennial.core.events import EventRecorder
from perennial.core.reconciling import Result
from perennial.core.settings import Settings
from perennial.ports.kinds import TRAINING_RUN
from perennial.ports.kube import Kube


class TrainingRunReconciler:
    """Makes a Job of a run and a ModelVersion of the Job's outcome."""

    kind = TRAINING_RUN
    manager = "perennial-trainingrun"

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
        await settle(self._kube, self.kind, self.manager, self._events, observed.run, plan)
        return Result(plan.requeue_after)

    def _decide(self, observed: Observed) -> Plan:
        return decide(observed, self._clock.now())

    def _refused(self, observed: Observed, creation: Creation, words: str) -> Plan:
        return refused(observed, creation, words, self._clock.now())
