"""The strategy `recreate`: the old revision's pods end before the new one's start. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from perennial.api.modeldeployment import PREPARING
from perennial.controllers.modeldeployment import naming, promoting, story, ways, withdrawing
from perennial.controllers.modeldeployment.course import Course
from perennial.controllers.modeldeployment.move import Move
from perennial.controllers.modeldeployment.observed import Observed
from perennial.controllers.modeldeployment.readiness import readiness
from perennial.controllers.modeldeployment.revision import Record
from perennial.controllers.modeldeployment.target import Problem


def down(seen: Observed, course: Course) -> frozenset[str]:
    """The InferenceServices that may not be there now: the old one's, and the new one's as long as the old one is."""
    if not course.stable or not course.canary or not ways.strategy(seen.spec).recreate:
        return frozenset()
    old, new = course.stable.inference_service, course.canary.inference_service
    return frozenset({old, new} if _remains(seen, course.stable.revision, old) else {old})


def _remains(seen: Observed, revision: str, service: str) -> bool:
    labels = {naming.REVISION_LABEL: revision, naming.COMPONENT_LABEL: naming.SERVER}.items()
    pods = any(labels <= pod["metadata"].get("labels", {}).items() for pod in seen.pods)
    return pods or service in seen.services or service in seen.live_route.services


def proceed(seen: Observed, move: Move, stable: Record, target: Record, now: datetime) -> Move:
    """The next move. A pause does not hold it: nothing serves until it is over."""
    if target.service in down(seen, move.course):
        message = f"Version {stable.version} ends first, to make room for version {target.version}: nothing serves yet."
        return replace(move, candidate=None, progress=Problem(PREPARING, message))
    found = readiness(seen, target, now, seen.spec.serving.replicas)
    if found.state == "Failed":
        return story.rolled_back(seen, move.course, stable, target, found.message, now)
    if found.state == "Unlucky":
        return withdrawing.withdraw(seen, move.course, stable, target, found.message, now)
    if found.state == "Waiting":
        wanted = target if found.preflight else None
        return replace(move, progress=found.progress, stalled=found.stalled, preflight=wanted)
    return promoting.after_recreation(seen, move, stable, target, now)
