"""What the metrics loop is asked to follow, as the cluster was seen in this pass. Pure."""

from __future__ import annotations

from datetime import datetime

from perennial import rollout
from perennial.api.base import number
from perennial.api.modeldeployment import ModelDeploymentSpec
from perennial.controllers.modeldeployment.course import course
from perennial.controllers.modeldeployment.observed import Observed
from perennial.controllers.modeldeployment.stored import unfit
from perennial.core.analysis_types import Watched
from perennial.core.conditions import parse_time
from perennial.core.queue import Key
from perennial.core.settings import Settings


def watched(seen: Observed, settings: Settings, now: datetime, key: Key) -> Watched[Key] | None:
    """The rollout to follow, or None while there is none or while the route still has the weights of the step before.

    It is taken from what was *seen*, not from what was decided: the weights of the decision reach the route later.
    """
    current = course(seen, now)
    live = seen.live_route
    if current.stable is None or current.canary is None or live.since is None or unfit(seen.spec):
        return None
    if live.weights.get(current.canary.inference_service, 0) != current.canary.weight:
        return None
    return Watched(
        key=key,
        namespace=seen.namespace,
        stable=current.stable.inference_service,
        canary=current.canary.inference_service,
        revision=f"{seen.deployment['metadata']['uid']}/{current.canary.revision}/{current.canary.started}",
        plan=plan_of(seen.spec, settings),
        step=current.canary.step,
        weight_since=live.since,
        step_since=parse_time(current.canary.since),
        checkpoint=(seen.status.analysis.checkpoint if seen.status.analysis else None) or "",
    )


def plan_of(spec: ModelDeploymentSpec, settings: Settings) -> rollout.Plan:
    """The spec in the terms of the mathematics."""
    analysis, metric = spec.analysis, spec.analysis.metrics[0]
    return rollout.Plan(
        false_rollback=number(analysis.false_rollback),
        miss=number(analysis.miss),
        metrics=rollout.errors(None if metric.tolerance is None else number(metric.tolerance)),
        steps=tuple(rollout.Step(each.weight, each.min_seconds or 0) for each in spec.strategy.canary.steps),
        warm_up_seconds=analysis.warm_up_seconds,
        poll_seconds=settings.poll_seconds,
        time_cap_seconds=analysis.max_duration_seconds,
    )
