"""The numbers of a reading, for people: counts, evidence by metric, what to expect. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TypeVar

from perennial.core.analysis_types import NOT_ROUTED, Counted, MetricReading, Watched
from perennial.core.polling import Grid
from perennial.core.progress import Progress, Question, plan_of
from perennial.core.warmth import Warmth
from perennial.rollout import engine, steps
from perennial.rollout.evalue import NO_REQUESTS, Comparison
from perennial.rollout.state import MetricState

KeyT = TypeVar("KeyT")

FORECAST_SECONDS = 60.0
"""What to expect is reckoned this often: it is for people and costs as much as many polls."""


@dataclass(frozen=True)
class Forecast:
    """What was to be expected at `at` (Unix seconds) and `step`; `sentence` where it cannot be decided in time."""

    at: float
    step: int
    seconds: float | None = None
    sentence: str | None = None

    def still_holds(self, watched: Watched[KeyT], now: Progress) -> bool:
        """Whether it need not be reckoned anew."""
        return self.step == watched.step and 0 <= now.position - self.at < FORECAST_SECONDS

    def later(self, at: float) -> Forecast:
        """The same at a later time."""
        left = None if self.seconds is None else max(self.seconds - (at - self.at), 0.0)
        return replace(self, at=at, seconds=left)


def totals(state: engine.State | None) -> Comparison:
    """Both versions' counts of the metric that speaks most for a rollback."""
    return state.cause.totals if state else Comparison(NO_REQUESTS, NO_REQUESTS)


def first_step(watched: Watched[KeyT], now: Progress) -> int | None:
    """The step that suits the traffic to begin with."""
    if now.state is not None:
        return steps.first_step(watched.plan, now.state.rps)
    return None if now.warmth.seconds == 0 else steps.first_step(watched.plan, now.warmth.rps)


def metrics(watched: Watched[KeyT], now: Progress, question: Question) -> tuple[MetricReading, ...]:
    """Each metric's numbers, in the order of the plan."""
    if now.state is None:
        return ()
    notes = {one.name: note(one, now.bounds.get(one.name)) for one in question.metrics}
    return tuple(_metric(watched, metric, notes.get(metric.name, "")) for metric in now.state.metrics)


def _metric(watched: Watched[KeyT], metric: MetricState, text: str) -> MetricReading:
    moving = 0 <= watched.step < len(metric.advance)
    return MetricReading(
        name=metric.name,
        canary_requests=metric.totals.canary.n,
        canary_bad=metric.totals.canary.bad,
        stable_requests=metric.totals.stable.n,
        stable_bad=metric.totals.stable.bad,
        evidence_rollback=metric.log_rollback - math.log(metric.weight),
        evidence_advance=metric.advance[watched.step] if moving else 0.0,
        bound_rollback=-math.log(watched.plan.false_rollback * metric.weight),
        bound_advance=-math.log(watched.plan.miss),
        note=text,
    )


def note(one: Counted, bound: float | None) -> str:
    """How a metric is counted, where its name does not say it."""
    if bound is None:
        return ""
    if one.slower_than is None:
        return f"slower than {bound:g} ms, learned from stable"
    moved = "" if bound == one.slower_than else f", the next edge of the histogram above {one.slower_than} ms"
    return f"slower than {bound:g} ms{moved}"


def no_bound(one: Counted, watched: Watched[KeyT], warmth: Warmth) -> str:
    """Why a metric has no bound yet, though there are requests."""
    learned = warmth.metrics.get(one.name)
    edges = sorted(float(slot) for slot in learned.grown if slot != "inf") if learned else []
    if not edges:
        return (
            f"Prometheus has no histogram of {watched.stable}'s {one.name}: look at what it scrapes and keeps. "
            "Missing samples never count against a model."
        )
    return (
        f"The histogram of {one.name} has no edge at or above {one.slower_than} ms (the highest is {edges[-1]:g} ms): "
        "set a lower slowerThanMilliseconds."
    )


def forecast(watched: Watched[KeyT], now: Progress, grid: Grid, question: Question) -> Forecast:
    """What to expect of a healthy canary, also before it starts."""
    state, step = now.state, watched.step
    step_seconds = max(now.position - watched.step_since.timestamp(), 0.0)
    if state is None:
        first = first_step(watched, now)
        warm = now.warmth.suffices(watched.plan.warm_up_seconds, question.families, now.bounds)
        if first is None or not warm or question.open_bounds(now.bounds):
            return Forecast(now.position, watched.step)
        histories = now.warmth.histories(question.families, now.bounds)
        state = engine.start(plan_of(watched, grid), histories)
        step, step_seconds = (first, 0.0) if step == NOT_ROUTED else (step, step_seconds)
    return Forecast(
        now.position,
        watched.step,
        engine.expected_seconds(state, step, step_seconds),
        None if step == watched.plan.bake else engine.undecidable(state, step, step_seconds),
    )
