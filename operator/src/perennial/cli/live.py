"""The evidence as it is in the operator's memory, read through the apiserver; see `perennial.core.live`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from perennial.core.conditions import parse_time
from perennial.core.live import POINT


@dataclass(frozen=True)
class Point:
    """The evidence at one time (Unix seconds), in natural logarithms."""

    time: float
    step: int
    weight: int
    worse: float
    good: float


@dataclass(frozen=True)
class Odds:
    """Evidence beside what is needed, both in natural logarithms."""

    value: float
    bound: float


@dataclass(frozen=True)
class Metric:
    """The comparison on one metric; counts of requests since the evidence began."""

    name: str
    canary_requests: int
    canary_bad: int
    stable_requests: int
    stable_bad: int
    worse: Odds | None = None
    good: Odds | None = None
    note: str = ""


@dataclass(frozen=True)
class Live:
    """What the operator answers: `worse` leads to a rollback, `good` to the next step."""

    points: tuple[Point, ...]
    worse: Odds | None
    good: Odds | None
    metrics: tuple[Metric, ...]
    message: str
    expected_seconds: float | None
    at: datetime | None

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> Self:
        """Of the JSON. Raises KeyError, TypeError, ValueError for another form."""
        reading = answer.get("reading") or {}
        points = (Point(*(each[key] for key in POINT)) for each in answer["trace"])
        expected, at = reading.get("expectedSeconds"), reading.get("at")
        return cls(
            points=tuple(points),
            worse=_odds(reading, "Rollback"),
            good=_odds(reading, "Advance"),
            metrics=tuple(_metric(each) for each in reading.get("metrics") or [_flat(reading)] if each),
            message=str(reading.get("message", "")),
            expected_seconds=None if expected is None else float(expected),
            at=parse_time(at) if at else None,
        )


def _odds(found: Mapping[str, Any], direction: str) -> Odds | None:
    value, bound = found.get(f"evidence{direction}"), found.get(f"bound{direction}")
    return None if value is None or bound is None else Odds(float(value), float(bound))


def _flat(reading: Mapping[str, Any]) -> dict[str, Any]:
    """A reading that does not tell its metrics apart."""
    return {"name": "errors", **reading} if "canaryRequests" in reading else {}


def _metric(found: Mapping[str, Any]) -> Metric:
    return Metric(
        name=str(found["name"]),
        canary_requests=int(found["canaryRequests"]),
        canary_bad=int(found["canaryBad"]),
        stable_requests=int(found["stableRequests"]),
        stable_bad=int(found["stableBad"]),
        worse=_odds(found, "Rollback"),
        good=_odds(found, "Advance"),
        note=str(found.get("note") or ""),
    )
