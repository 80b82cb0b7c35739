"""One rollout in the memory of the metrics loop."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic

from perennial.core import numbers, progress, readings
from perennial.core.analysis_types import NOT_ROUTED, KeyT, Reading, TracePoint, Watched
from perennial.core.counting.family import Owner
from perennial.core.numbers import Forecast
from perennial.core.polling import Grid
from perennial.core.progress import Progress, Question
from perennial.core.trace import Trace
from perennial.rollout.decision import Decision, Verdict


@dataclass(frozen=True)
class Judged(Generic[KeyT]):
    """A decision, with all that it was made of."""

    watched: Watched[KeyT]
    progress: Progress
    decision: Decision

    @property
    def story(self) -> tuple[Verdict, str, int]:
        """What the controller is told of."""
        reason = self.decision.reason.value if self.decision.reason else ""
        return self.decision.verdict, reason, self.watched.step


@dataclass
class Entry(Generic[KeyT]):
    """A rollout that is followed; `problem` says why it cannot be counted at all.

    `guard` goes on where `progress` waits for a metric that is not answered: only to roll back in time.
    """

    watched: Watched[KeyT]
    question: Question | None = None
    problem: str | None = None
    progress: Progress | None = None
    guard: Progress | None = None
    judged: Judged[KeyT] | None = None
    failed: Reading | None = None
    changing: bool = False
    forecast: Forecast | None = None
    trace: Trace = field(default_factory=Trace)
    _reading: tuple[Judged[KeyT], Reading] | None = None

    @property
    def follows(self) -> bool:
        """Whether it takes part in the next poll."""
        return self.progress is not None and self.progress.ready and not self.changing

    @property
    def owners(self) -> tuple[Owner, Owner]:
        """Whose samples it needs."""
        return (self.watched.namespace, self.watched.canary), (self.watched.namespace, self.watched.stable)

    def tracked(self, watched: Watched[KeyT]) -> None:
        """The controller saw it again."""
        self.changing = False
        change = progress.change_of(watched)
        if self.progress is not None:
            self.progress = progress.changed(self.progress, change)
        if self.guard is not None:
            self.guard = progress.changed(self.guard, change)
        self.watched = watched

    def judge(self, decision: Decision, now: Progress) -> bool:
        """Keep a decision. True if the controller must be told."""
        before, self.failed = self.story, None
        self.judged = Judged(self.watched, now, decision)
        return before != self.story

    def fail(self, at: datetime, sentence: str = "") -> bool:
        """Nothing can be judged. True if the controller must be told."""
        before = self.story
        self.failed = readings.unjudged(self.watched, at, sentence)
        return before != self.story

    @property
    def story(self) -> tuple[Verdict, str, int] | None:
        """What the controller was told last."""
        if self.failed is not None:
            return self.failed.verdict, self.failed.reason, self.failed.step
        return self.judged.story if self.judged is not None else None

    def reading(self, grid: Grid) -> Reading | None:
        """What the controller reads; made when it is read, for most polls are never read."""
        if self.failed is not None or self.judged is None or self.question is None:
            return self.failed
        if self._reading is None or self._reading[0] is not self.judged:
            self._reading = self.judged, self._read(self.judged, self.question, grid)
        return self._reading[1]

    def _read(self, judged: Judged[KeyT], question: Question, grid: Grid) -> Reading:
        if self.forecast is None or not self.forecast.still_holds(judged.watched, judged.progress):
            self.forecast = numbers.forecast(judged.watched, judged.progress, grid, question)
        forecast = self.forecast.later(judged.progress.position)
        return readings.reading(judged.watched, judged.progress, question, judged.decision, forecast)

    def draw(self) -> None:
        """Keep a point of the curve."""
        judged = self.judged
        if judged is None or judged.progress.state is None or judged.watched.step == NOT_ROUTED:
            return
        state, step = judged.progress.state, judged.watched.step
        weight = round(100 * judged.watched.plan.share(step))
        evidence = state.log_rollback, state.log_advance(step)
        self.trace.add(TracePoint(judged.progress.position, step, weight, *evidence))

    def step_changed(self, decision: Decision) -> None:
        """The verdict on the last step must not be taken for one on this step."""
        if self.progress is not None:
            self.failed = None
            self.judged = Judged(self.watched, self.progress, decision)


def begins_anew(before: Watched[KeyT], now: Watched[KeyT]) -> bool:
    """Another rollout, another question, or the canary gets its first share: what was gathered is of another one."""
    entered = before.step == NOT_ROUTED and now.step != NOT_ROUTED
    return entered or _asked(before) != _asked(now)


def _asked(watched: Watched[KeyT]) -> tuple[object, ...]:
    names = watched.namespace, watched.stable, watched.canary, watched.revision
    return (*names, watched.source, watched.metrics, watched.plan.question)
