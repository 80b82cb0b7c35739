"""The pass that TrainingRun and ModelVersion share: look, create what is missing, look again, write the status."""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import datetime
from typing import Generic, TypeVar

from perennial.controllers.plan import Creation, Plan, look_and_act, settle
from perennial.core.clock import Clock
from perennial.core.events import EventRecorder
from perennial.core.reconciling import Result
from perennial.core.settings import Settings
from perennial.ports.kinds import Kind
from perennial.ports.kube import Kube, Object

Seen = TypeVar("Seen")


class CreatingReconciler(ABC, Generic[Seen]):
    """A Reconciler whose children are made once and never changed: Jobs, and the versions that come of them."""

    kind: Kind
    manager: str

    def __init__(self, kube: Kube, clock: Clock, settings: Settings, events: EventRecorder) -> None:
        self._kube = kube
        self._clock = clock
        self._settings = settings
        self._events = events

    @abstractmethod
    async def observe(self, namespace: str, name: str) -> Seen | None:
        """Live reads; None when the object is gone."""

    @abstractmethod
    def decide(self, seen: Seen, now: datetime) -> Plan:
        """Pure."""

    @abstractmethod
    def refused(self, seen: Seen, creation: Creation, words: str, now: datetime) -> Plan:
        """What to say when the apiserver refuses a child in these words. Pure."""

    @abstractmethod
    def subject(self, seen: Seen) -> Object:
        """The object itself, as it was read."""

    async def reconcile(self, namespace: str, name: str) -> Result:
        """One pass. Raises KubeError; an object that is gone is no error."""
        acted = await look_and_act(
            self._kube,
            lambda: self.observe(namespace, name),
            lambda seen: self.decide(seen, self._clock.now()),
            lambda seen, creation, words: self.refused(seen, creation, words, self._clock.now()),
        )
        if acted is None:
            return Result()
        seen, plan = acted
        await settle(self._kube, self.kind, self.manager, self._events, self.subject(seen), plan)
        return Result(plan.requeue_after)
