"""The last hour of a rollout's evidence, for a curve. Bounded: 360 points of five numbers."""

from __future__ import annotations

from array import array

from perennial.core.analysis_types import TracePoint

SLOT_SECONDS = 10.0
POINTS = 360
_WIDTH = len(TracePoint._fields)


class Trace:
    """A point for each ten seconds, the newest of each; a change of step begins one of its own."""

    def __init__(self) -> None:
        self._numbers = array("d")

    def add(self, point: TracePoint) -> None:
        """The evidence now."""
        last = self._last()
        if last is not None and last.step == point.step and _slot(last) == _slot(point):
            del self._numbers[-_WIDTH:]
        self._numbers.extend(point)
        del self._numbers[: max(0, len(self._numbers) - POINTS * _WIDTH)]

    def points(self) -> list[TracePoint]:
        """All points, the oldest first."""
        return [self._point(start) for start in range(0, len(self._numbers), _WIDTH)]

    def _last(self) -> TracePoint | None:
        return self._point(len(self._numbers) - _WIDTH) if self._numbers else None

    def _point(self, start: int) -> TracePoint:
        time, step, weight, rollback, advance = self._numbers[start : start + _WIDTH]
        return TracePoint(time, int(step), int(weight), rollback, advance)


def _slot(point: TracePoint) -> float:
    return point.time // SLOT_SECONDS
