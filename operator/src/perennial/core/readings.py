"""From progress to what the controller reads. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TypeVar

from perennial.core.analysis_types import NOT_ROUTED, Reading, Watched
from perennial.core.evidence import Progress, Warmth
from perennial.core.polling import Grid
from perennial.ports.prometheus_types import Series
from perennial.rollout import checkpoint, engine, sentences, steps
from perennial.rollout.decision import Decision, HoldReason, Verdict, hold
from perennial.rollout.evalue import NO_REQUESTS, Comparison

KeyT = TypeVar("KeyT")


def stale_after(grid: Grid) -> float:
    """Seconds without a scrape after which samples are missing, not late."""
    return max(3 * grid.scrape_interval_seconds, 2 * grid.poll_seconds)


def any_since(answer: Iterable[Iterable[Series]], since: float) -> bool:
    """Whether any sample is younger than `since` (Unix seconds)."""
    return any(series.samples and series.samples[-1][0] > since for of_service in answer for series in of_service)


def missing(watched: Watched[KeyT], progress: Progress, grid: Grid, scraped: bool = True) -> Decision | None:
    """The hold for samples that are not there; they are never evidence. `scraped`: there are some of other services."""
    limit = progress.position - stale_after(grid)
    gone = [(progress.stable_seen, watched.stable)]
    if watched.step != NOT_ROUTED:
        gone.append((progress.canary_seen, watched.canary))
    names = [name for seen, name in gone if seen <= limit]
    if not names:
        return None
    lacking = f"Prometheus has no samples of {' and '.join(names)} in the last {stale_after(grid):.0f} s"
    if scraped:
        why = "though it has of other services: look at GatewayReady, and whether every pod of the gateway is scraped"
    else:
        why = "nor of any other service: let it scrape the gateway as manifests/monitoring/perennial-scrape.yaml does"
    return hold(HoldReason.METRICS_UNAVAILABLE, f"{lacking}, {why}. Missing samples never count against a model.")


def decide(
    watched: Watched[KeyT], progress: Progress, grid: Grid, problem: Decision | None = None, scraped: bool = True
) -> Decision:
    """The verdict now; `problem` is a hold for metrics that could not be read, `scraped` as for `missing`."""
    block = problem or missing(watched, progress, grid, scraped)
    if watched.step == NOT_ROUTED or progress.state is None:
        return block or _warming(watched, progress.warmth or Warmth())
    facts = engine.Facts(progress.position - watched.step_since.timestamp(), block)
    return engine.verdict(progress.state, watched.step, facts)


def _warming(watched: Watched[KeyT], warmth: Warmth) -> Decision:
    needed = watched.plan.warm_up_seconds
    if not warmth.suffices(needed):
        return hold(HoldReason.WARMING_UP, sentences.warming_up(warmth.seconds, needed, warmth.stable))
    if watched.step == NOT_ROUTED:
        return hold(HoldReason.NO_TRAFFIC, "Stable is known; the canary gets no share of the traffic yet.")
    return hold(HoldReason.INSUFFICIENT_EVIDENCE, "Stable is known; counting begins with the next interval.")


def unjudged(watched: Watched[KeyT], at: datetime) -> Reading:
    """What the controller reads after a mistake of ours."""
    return Reading(
        verdict=Verdict.HOLD,
        reason=HoldReason.METRICS_UNAVAILABLE.value,
        message="The counts of the last interval could not be judged; the operator's log says why.",
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


def reading(watched: Watched[KeyT], progress: Progress, decision: Decision) -> Reading:
    """What the controller reads."""
    state, plan = progress.state, watched.plan
    totals = state.cause.totals if state else Comparison(NO_REQUESTS, NO_REQUESTS)
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
        first_step=_first_step(watched, progress),
        checkpoint=_checkpoint(watched, progress),
        at=datetime.fromtimestamp(progress.position, UTC),
    )


def _first_step(watched: Watched[KeyT], progress: Progress) -> int | None:
    if progress.state is not None:
        return steps.first_step(watched.plan, progress.state.rps)
    if progress.warmth is None or progress.warmth.seconds == 0:
        return None
    return steps.first_step(watched.plan, progress.warmth.history.rps)


def _checkpoint(watched: Watched[KeyT], progress: Progress) -> str:
    if progress.state is None:
        return ""
    return checkpoint.encode(checkpoint.Saved(watched.revision, watched.step, progress.position, progress.state))
