"""What the metrics loop is asked to follow, as the cluster was seen in this pass. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from perennial import rollout
from perennial.api.base import number
from perennial.api.modeldeployment import ModelDeploymentSpec
from perennial.api.modeldeployment_status import RevisionStatus
from perennial.controllers.modeldeployment import disturbed, ways
from perennial.controllers.modeldeployment.course import Course, course
from perennial.controllers.modeldeployment.observed import Observed
from perennial.controllers.modeldeployment.stored import unfit
from perennial.core.analysis_types import Counted, Watched
from perennial.core.conditions import parse_time
from perennial.core.queue import Key
from perennial.core.settings import Settings

MIRROR = ".mirror"
"""The gateway counts copies of requests by route and rule; manifests/monitoring names them so, after the route."""


def watched(seen: Observed, settings: Settings, now: datetime, key: Key) -> Watched[Key] | None:
    """The rollout to follow, or None while there is none or while the route still has the weights of the step before.

    It is taken from what was *seen*, not from what was decided: the weights of the decision reach the route later.
    """
    current = course(seen, now)
    live = seen.live_route
    pair = _pair(seen, current)
    if pair is None or live.since is None or unfit(seen.spec):
        return None
    if any(live.weights.get(each.inference_service, 0) != weight for each, weight in pair.weights):
        return None
    if live.mirror != pair.mirror:
        return None
    return Watched(
        key=key,
        namespace=seen.namespace,
        stable=pair.old.inference_service,
        canary=f"{seen.name}{MIRROR}" if pair.mirror else pair.new.inference_service,
        revision=f"{seen.deployment['metadata']['uid']}/{pair.new.revision}/{pair.started}",
        plan=plan_of(seen.spec, settings),
        step=pair.step,
        weight_since=live.since,
        step_since=parse_time(pair.since),
        checkpoint=(seen.status.analysis.checkpoint if seen.status.analysis else None) or "",
        source=seen.spec.analysis.source or "",
        metrics=tuple(Counted(each.name, each.slower_than_milliseconds) for each in seen.spec.analysis.metrics),
        disturbed=disturbed.seconds(seen.status.disturbances),
        by_hand=current.canary is not None and ways.hand_weight(seen.spec) is not None,
    )


@dataclass(frozen=True)
class _Pair:
    """The two revisions that are compared, the share of the route that each must have, and since when."""

    old: RevisionStatus
    new: RevisionStatus
    weights: tuple[tuple[RevisionStatus, int], ...]
    step: int
    since: str
    started: str
    mirror: tuple[str, int] | None = None


def _pair(seen: Observed, current: Course) -> _Pair | None:
    """A canary beside stable, or a promoted revision beside the one that it replaced."""
    stable, canary, previous = current.stable, current.canary, current.previous
    if not ways.steps(seen.spec):
        # Nothing is judged.
        return None
    if stable and canary:
        if not ways.suits(seen.spec, canary):
            # Another strategy was chosen: it is counted once its share is what that one gives.
            return None
        mirror = (canary.inference_service, canary.mirror) if canary.mirror else None
        return _Pair(stable, canary, ((canary, canary.weight),), canary.step, canary.since, canary.started, mirror)
    if stable and previous and current.bakes and previous.since:
        weights = ((previous, previous.weight), (stable, 100 - previous.weight))
        step = len(ways.steps(seen.spec))
        return _Pair(previous, stable, weights, step, previous.since, previous.started or previous.since)
    return None


def plan_of(spec: ModelDeploymentSpec, settings: Settings) -> rollout.Plan:
    """The spec in the terms of the mathematics."""
    analysis = spec.analysis
    return rollout.Plan(
        false_rollback=number(analysis.false_rollback),
        miss=number(analysis.miss),
        metrics=tuple(
            rollout.metric(each.name, _number(each.tolerance), _number(each.max)) for each in analysis.metrics
        ),
        steps=tuple(rollout.Step(each.weight, each.min_seconds or 0) for each in ways.steps(spec)),
        holdback=ways.holdback(spec),
        bake_seconds=spec.bake.seconds,
        warm_up_seconds=analysis.warm_up_seconds,
        poll_seconds=settings.poll_seconds,
        time_cap_seconds=analysis.max_duration_seconds,
    )


def _number(quantity: str | None) -> float | None:
    return None if quantity is None else number(quantity)
