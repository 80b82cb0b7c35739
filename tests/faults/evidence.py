"""Played evidence: what the metrics loop would say of each version at each step, from a table of the story."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from perennial.core.analysis_types import NOT_ROUTED, Reading, Watched
from perennial.core.queue import Key
from perennial.rollout import Verdict
from tests.unit.controllers.modeldeployment.world import BLANK

Verdicts = Mapping[tuple[str, int], Verdict]
"""(version as "v2", step) -> verdict. What is not there holds."""


class PlayedEvidence:
    """The face of Analysis. It lives in the operator's memory: a new process knows nothing until it is told again."""

    def __init__(self, verdicts: Verdicts, version_of: Callable[[str], str], enqueue: Callable[[Key], None]) -> None:
        self._verdicts, self._version_of, self._enqueue = verdicts, version_of, enqueue
        self._watched: dict[Key, Watched[Key]] = {}
        self._readings: dict[Key, Reading] = {}

    def track(self, watched: Watched[Key]) -> None:
        """A new step of a rollout is read at once, and the reconciler told of it."""
        before = self._watched.get(watched.key)
        self._watched[watched.key] = watched
        if before is None or (before.revision, before.step) != (watched.revision, watched.step):
            self._readings[watched.key] = self._reading(watched)
            self._enqueue(watched.key)

    def _reading(self, watched: Watched[Key]) -> Reading:
        verdict = self._verdicts.get((self._version_of(watched.canary), watched.step), Verdict.HOLD)
        reason = "InsufficientEvidence" if verdict is Verdict.HOLD else ""
        first = 0 if watched.step == NOT_ROUTED else None
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
