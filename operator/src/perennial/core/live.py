"""The evidence as it is in memory, for whoever watches a rollout: as JSON, in the names of the API."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from enum import Enum
from typing import Any, Protocol

from pydantic.alias_generators import to_camel

from perennial.core.analysis_types import Reading
from perennial.core.conditions import format_time
from perennial.core.queue import Key
from perennial.ports.kinds import MODEL_DEPLOYMENT

Answer = Callable[[str, str], dict[str, Any] | None]
"""(namespace, name) -> what is known of the rollout, or None for one that is not followed."""

POINT = ("time", "step", "weight", "evidenceRollback", "evidenceAdvance")
"""A point of a trace: Unix seconds, step, percent, natural logarithms."""


class Memory(Protocol):
    """Where the evidence is: `perennial.core.analysis.Analysis`."""

    def read(self, key: Key) -> Reading | None:
        """The latest reading, or None."""

    def trace(self, key: Key) -> Sequence[tuple[float, int, int, float, float]]:
        """What the evidence was, oldest first: the values of `POINT`."""


class Board:
    """What the endpoint reads. It is empty on a replica that does not lead: that one knows nothing."""

    answer: Answer | None = None

    @property
    def leads(self) -> bool:
        """Whether anything can be asked here."""
        return self.answer is not None

    def read(self, namespace: str, name: str) -> dict[str, Any] | None:
        """What is known of a rollout."""
        return self.answer(namespace, name) if self.answer else None


def answering(memory: Memory) -> Answer:
    """An answer from memory: `{"trace": [...], "reading": {...}}`, evidence in natural logarithms, times in UTC."""

    def answer(namespace: str, name: str) -> dict[str, Any] | None:
        key = Key(MODEL_DEPLOYMENT.kind, namespace, name)
        reading, trace = memory.read(key), memory.trace(key)
        if reading is None:
            return None
        told = {name: value for name, value in asdict(reading).items() if name != "checkpoint"}
        return {"trace": [_plain(dict(zip(POINT, point, strict=True))) for point in trace], "reading": _plain(told)}

    return answer


def _plain(value: Any) -> Any:
    """The same as JSON can say it; a number that it cannot say is null."""
    if isinstance(value, Mapping):
        return {to_camel(str(name)): _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, datetime):
        return format_time(value)
    if isinstance(value, Enum):
        return value.value
    return None if isinstance(value, float) and not math.isfinite(value) else value
