"""How many pods each revision has, and whether a canary has enough of them for a weight. Pure."""

from __future__ import annotations

import math

from perennial.controllers.modeldeployment import byhand, ways
from perennial.controllers.modeldeployment.course import CANARY, NOT_ROUTED, PREVIOUS, Course
from perennial.controllers.modeldeployment.observed import Observed
from perennial.controllers.modeldeployment.revision import Record
from perennial.controllers.modeldeployment.target import Problem
from perennial.rollout import HoldReason


def lacking(seen: Observed, stable: Record, target: Record, weight: int) -> Problem | None:
    """Capacity comes before weight, so that a step never overloads the canary."""
    ready = seen.health(target).ready
    needed = max(1, math.ceil(weight / 100 * seen.health(stable).ready))
    if ready >= needed:
        return None
    return Problem(
        HoldReason.CAPACITY_NOT_READY, f"{weight} % needs {needed} ready pods of version {target.version}; {ready} are."
    )


def pods(seen: Observed, course: Course, record: Record) -> int:
    """How many pods a revision is to have."""
    full = seen.spec.serving.replicas
    role = course.role(record.revision)
    if role == CANARY:
        return _on_its_way(seen, course, record, full)
    if role and (course.canary or course.bakes or role == PREVIOUS):
        # Not fewer than before the rollout until it is over: going back must never land on one pod.
        return max(full, _has(seen, record))
    return full


def _has(seen: Observed, record: Record) -> int:
    predictor = seen.services.get(record.service, {}).get("spec", {}).get("predictor", {})
    return int(predictor.get("minReplicas", 0))


def _on_its_way(seen: Observed, course: Course, record: Record, full: int) -> int:
    """What its next weight needs, so that the evidence for a move never waits for a pod that is not there."""
    canary, chosen = course.canary, ways.strategy(seen.spec).canary
    if canary is None or chosen is None or chosen.replicas == "Full" or byhand.promotes(seen, record):
        return full
    least = chosen.replicas if isinstance(chosen.replicas, int) else 1
    return min(full, max(least, math.ceil(_next_weight(seen, canary.step, canary.weight) / 100 * full)))


def _next_weight(seen: Observed, step: int, weight: int) -> int:
    hand, steps = ways.hand_weight(seen.spec), ways.steps(seen.spec)
    if hand is not None:
        return max(hand, weight)
    if step == NOT_ROUTED:
        # Thin traffic begins at a later step.
        step = (seen.reading.first_step if seen.reading else None) or 0
        return steps[min(step, len(steps) - 1)].weight
    return steps[step + 1].weight if step + 1 < len(steps) else 100
