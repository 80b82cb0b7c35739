"""One pass over a ModelVersion."""

from __future__ import annotations

from datetime import datetime

from perennial.controllers.modelversion.decide import decide, refused
from perennial.controllers.modelversion.observe import Observed, observe
from perennial.controllers.passes import CreatingReconciler
from perennial.controllers.plan import Creation, Plan
from perennial.ports.kinds import MODEL_VERSION
from perennial.ports.kube import Object


class ModelVersionReconciler(CreatingReconciler[Observed]):
    """Keeps the status of a version: verified, approved, in use by."""

    kind = MODEL_VERSION
    manager = "perennial-modelversion"

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
        """The version."""
        return seen.version
