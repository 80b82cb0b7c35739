"""Played evidence: what the metrics loop would say of each version at each step, from a table of the story."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from perennial.core.analysis_types import NOT_ROUTED, Reading, Watched
from perennial.core.queue import Key
from perennial.rollout import Verdict
from tests.unit.controllers.modeldeployment.world import BLANK

Verdicts = dict[tuple[str, int], Verdict]
"""(version as "v2", step) -> verdict, changed as the story goes on. What is not there holds; before the first step
it means that stable has not been watched for long enough."""


class PlayedEvidence:
    """The face of Analysis. It lives in the operator's memory: a new process knows nothing until it is told again."""

    def __init__(self, verdicts: Verdicts, version_of: Callable[[str], str], enqueue: Callable[[Key], None]) -> None:
        self._verdicts, self._version_of, self._enqueue = verdicts, version_of, enqueue
        self._watched: dict[Key, Watched[Key]] = {}
        self._readings: dict[Key, Reading] = {}

    def track(self, watched: Watched[Key]) -> None:
        """Follow a rollout; it is read at once."""
        self._watched[watched.key] = watched
        self.poll()

    def poll(self) -> None:
        """Read what the table says now, and tell the reconciler where that changed."""
        for key, watched in self._watched.items():
            fresh = self._reading(watched)
            if self._readings.get(key) != fresh:
                self._readings[key] = fresh
                self._enqueue(key)

    def _reading(self, watched: Watched[Key]) -> Reading:
        found = self._verdicts.get((self._version_of(watched.canary), watched.step))
        verdict = found or Verdict.HOLD
        reason = "" if verdict is not Verdict.HOLD else "InsufficientEvidence" if found else "WarmingUp"
        first = 0 if watched.step == NOT_ROUTED and found else None
        return replace(
            BLANK, verdict=verdict, reason=reason, message=f"It says {verdict}.", step=watched.step, first_step=first
        )

    def changing(self, key: Key) -> None:
        """What was said of the weights before still stands for this step."""

    def read(self, key: Key) -> Reading | None:
        return self._readings.get(key)

    def forget(self, key: Key) -> None:
        self._watched.pop(key, None)
        self._readings.pop(key, None)

    def snapshot(self) -> list[object]:
        """Nothing is shown in metrics."""
        return []

    async def run(self) -> None:
        """There is no loop: the table is read at once."""
