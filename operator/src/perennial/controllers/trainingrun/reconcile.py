"""One pass over a TrainingRun."""

from __future__ import annotations

from datetime import datetime

from perennial.controllers.passes import CreatingReconciler
from perennial.controllers.plan import Creation, Plan
from perennial.controllers.trainingrun.decide import decide, refused
from perennial.controllers.trainingrun.observe import Observed, observe
from perennial.ports.kinds import TRAINING_RUN
from perennial.ports.kube import Object


class TrainingRunReconciler(CreatingReconciler[Observed]):
    """Makes a Job of a run and a ModelVersion of the Job's outcome."""

    kind = TRAINING_RUN
    manager = "perennial-trainingrun"

    async def observe(self, namespace: str, name: str) -> Observed | None:
        """See `observe`."""
        return await observe(self._kube, namespace, name, self._settings.trainer_image)

    def decide(self, seen: Observed, now: datetime) -> Plan:
        """See `decide`."""
        return decide(seen, now)

    def refused(self, seen: Observed, creation: Creation, words: str, now: datetime) -> Plan:
        """See `refused`."""
        return refused(seen, creation, words, now)

    def subject(self, seen: Observed) -> Object:
        """The run."""
        return seen.run
