"""From progress to what the controller reads. Pure."""

from __future__ import annotations

import math
from collections.abc import Collection
from datetime import UTC, datetime
from typing import TypeVar

from perennial.core import numbers, progress
from perennial.core.analysis_types import NOT_ROUTED, Reading, Watched
from perennial.core.numbers import Forecast
from perennial.core.polling import Grid
from perennial.core.progress import Progress, Question
from perennial.rollout import engine, sentences
from perennial.rollout.decision import Decision, HoldReason, Verdict, hold
from perennial.rollout.numeric import log_sum

KeyT = TypeVar("KeyT")

GONE_SECONDS = 120.0
"""A canary whose samples are missing for so long, while stable's go on, is taken out of the traffic."""


def stale_after(grid: Grid) -> float:
    """Seconds without a scrape after which samples are missing, not late."""
    return max(3 * grid.scrape_interval_seconds, 2 * grid.poll_seconds)


def missing(
    watched: Watched[KeyT], now: Progress, grid: Grid, question: Question, scraped: bool = True
) -> Decision | None:
    """The hold for samples that are not there; they are never evidence. `scraped`: there are some of other services."""
    limit = now.position - stale_after(grid)
    for metric in question.families:
        names = _lacking(watched, now, metric, limit)
        if names:
            return _unavailable(metric, names, stale_after(grid), scraped, metric == question.first)
    return None


def _lacking(watched: Watched[KeyT], now: Progress, metric: str, limit: float) -> list[str]:
    gone, seen = [], now.last(metric)
    if watched.plan.compared_in_bake or watched.step != watched.plan.bake:
        gone.append((seen.stable, watched.stable))
    if watched.step != NOT_ROUTED:
        gone.append((seen.canary, watched.canary))
    return [name for time, name in gone if time <= limit]


def _unavailable(metric: str, names: list[str], seconds: float, scraped: bool, first: bool) -> Decision:
    of = "samples" if first else f"samples for the metric {metric}"
    lacking = f"Prometheus has no {of} of {' and '.join(names)} in the last {seconds:.0f} s"
    if not first:
        why = "though it has others: look at what it scrapes and keeps for this metric"
    elif scraped:
        why = "though it has of other services: look at GatewayReady, and whether every pod of the gateway is scraped"
    else:
        why = "nor of any other service: let it scrape the gateway as manifests/monitoring/perennial-scrape.yaml does"
    return hold(HoldReason.METRICS_UNAVAILABLE, f"{lacking}, {why}. Missing samples never count against a model.")


def decide(
    watched: Watched[KeyT],
    now: Progress,
    grid: Grid,
    question: Question,
    problem: Decision | None = None,
    scraped: bool = True,
) -> Decision:
    """The verdict now; `problem` is a hold for metrics that could not be read, `scraped` as for `missing`."""
    block = problem or missing(watched, now, grid, question, scraped)
    if watched.step == NOT_ROUTED or now.state is None:
        return block or _warming(watched, now, question)
    facts = engine.Facts(now.position - watched.step_since.timestamp(), block)
    decision = engine.verdict(now.state, watched.step, facts)
    gone = problem is None and decision.verdict is Verdict.HOLD and _gone(watched, now, grid, question)
    return Decision(Verdict.WITHDRAW, _vanished(watched)) if gone else decision


def _gone(watched: Watched[KeyT], now: Progress, grid: Grid, question: Question) -> bool:
    seen = now.last(question.first)
    stable_goes_on = seen.stable > now.position - stale_after(grid)
    return watched.step != watched.plan.bake and stable_goes_on and seen.canary <= now.position - GONE_SECONDS


def _vanished(watched: Watched[KeyT]) -> str:
    return (
        f"The samples of {watched.canary} have been missing for {GONE_SECONDS:.0f} s while those of {watched.stable} "
        "go on: what nobody counts gets no requests. This does not count against the model; it is tried again."
    )


def _warming(watched: Watched[KeyT], now: Progress, question: Question) -> Decision:
    needed, warmth = watched.plan.warm_up_seconds, now.warmth
    if not warmth.suffices(needed, question.families, now.bounds):
        first = question.first
        stable = warmth.stable(first, question.families[first], now.bounds.get(first))
        return hold(HoldReason.WARMING_UP, sentences.warming_up(warmth.seconds, needed, stable))
    unknown = question.open_bounds(now.bounds)
    if unknown and warmth.rps > 0:
        return hold(HoldReason.METRICS_UNAVAILABLE, numbers.no_bound(unknown[0], watched, warmth))
    if watched.step == NOT_ROUTED:
        return hold(HoldReason.NO_TRAFFIC, "Stable is known; the canary gets no share of the traffic yet.")
    return hold(HoldReason.INSUFFICIENT_EVIDENCE, "Stable is known; counting begins with the next interval.")


def condemned(guard: Progress, watched: Watched[KeyT], names: Collection[str]) -> Decision | None:
    """A rollback on the metrics `names` alone, while others are not answered.

    Their evidence is never negative, so that it is one which all together would give too.
    """
    state = guard.state
    if state is None or watched.step == NOT_ROUTED:
        return None
    parts = tuple(metric.log_rollback for metric in state.metrics if metric.name in names)
    if not parts or log_sum(parts) < -math.log(state.plan.false_rollback):
        return None
    return engine.verdict(state, watched.step, engine.Facts(0.0))


def unjudged(watched: Watched[KeyT], at: datetime, sentence: str = "") -> Reading:
    """What the controller reads where nothing can be judged: after a mistake of ours, or a question with no answer."""
    return Reading(
        verdict=Verdict.HOLD,
        reason=HoldReason.METRICS_UNAVAILABLE.value,
        message=sentence or "The counts of the last interval could not be judged; the operator's log says why.",
        step=watched.step,
        canary_requests=0,
        canary_bad=0,
        stable_requests=0,
        stable_bad=0,
        evidence_rollback=0.0,
        evidence_advance=0.0,
        bound_rollback=-math.log(watched.plan.false_rollback),
        bound_advance=-math.log(watched.plan.miss),
        first_step=None,
        checkpoint=watched.checkpoint,
        at=at,
    )


def reading(
    watched: Watched[KeyT], now: Progress, question: Question, decision: Decision, forecast: Forecast | None = None
) -> Reading:
    """What the controller reads."""
    state, plan = now.state, watched.plan
    totals = numbers.totals(state)
    return Reading(
        verdict=decision.verdict,
        reason=decision.reason.value if decision.reason else "",
        message=decision.sentence,
        step=watched.step,
        canary_requests=totals.canary.n,
        canary_bad=totals.canary.bad,
        stable_requests=totals.stable.n,
        stable_bad=totals.stable.bad,
        evidence_rollback=state.log_rollback if state else 0.0,
        evidence_advance=state.log_advance(watched.step) if state and watched.step != NOT_ROUTED else 0.0,
        bound_rollback=-math.log(plan.false_rollback),
        bound_advance=-math.log(plan.miss),
        first_step=numbers.first_step(watched, now),
        checkpoint=progress.stored(watched, question, now),
        at=datetime.fromtimestamp(now.position, UTC),
        metrics=numbers.metrics(watched, now, question),
        expected_seconds=forecast.seconds if forecast else None,
        decidable=forecast.sentence if forecast else None,
    )
