"""What a Prometheus answers: raw samples, or why there are none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Series:
    """One series: its labels (with `__name__`) and samples (Unix seconds, value) in order of time."""

    labels: Mapping[str, str]
    samples: tuple[tuple[float, float], ...]


class PrometheusUnavailable(Exception):  # noqa: N818 - a state of the world, not a mistake
    """No answer that could be used. `reason` is CamelCase, `sentence` is for a person."""

    def __init__(self, reason: str, sentence: str) -> None:
        """Keep both; `str()` of the error is the sentence."""
        super().__init__(sentence)
        self.reason = reason
        self.sentence = sentence


class PrometheusSource(Protocol):
    """Where raw samples come from."""

    async def query(self, promql: str, at: float) -> list[Series]:
        """Evaluate an instant query of a range vector at `at` (Unix seconds).

        Raises PrometheusUnavailable for anything but a complete answer.
        """
        ...
