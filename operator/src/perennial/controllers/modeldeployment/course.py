"""Where a rollout stands: revisions by role, from the status, or from labels and route where the status was lost."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from perennial.api.modeldeployment_status import CanaryStatus, PreviousStatus, RevisionStatus, WithdrawnStatus
from perennial.controllers.modeldeployment import ways
from perennial.controllers.modeldeployment.observed import Observed
from perennial.controllers.modeldeployment.revision import Record
from perennial.core.conditions import format_time

STABLE, CANARY, PREVIOUS = "stable", "canary", "previous"
NOT_ROUTED = ways.NOT_ROUTED


@dataclass(frozen=True)
class Course:
    """The revisions that have a role, and the one that waits to be tried again."""

    stable: RevisionStatus | None = None
    canary: CanaryStatus | None = None
    previous: PreviousStatus | None = None
    withdrawn: WithdrawnStatus | None = None

    @property
    def bakes(self) -> bool:
        """Whether the stable revision is still compared with the one before it."""
        return self.canary is None and self.previous is not None and self.previous.bake_until is not None

    def role(self, revision: str) -> str:
        """The role of a revision; empty when it has none."""
        roles = ((STABLE, self.stable), (CANARY, self.canary), (PREVIOUS, self.previous))
        return next((role for role, each in roles if each and each.revision == revision), "")


def revision_status(record: Record) -> RevisionStatus:
    """How status names a revision."""
    return RevisionStatus(
        version=record.version,
        version_uid=record.version_uid,
        revision=record.revision,
        inference_service=record.service,
    )


def course(seen: Observed, now: datetime) -> Course:
    """The course that status tells; what status does not tell is taken from the records' roles and the live route."""
    stable = seen.status.stable or _remembered_stable(seen)
    canary = seen.status.canary or _remembered_canary(seen, now)
    canary = _anchored(canary, seen) if canary else None
    previous = seen.status.previous or _remembered_previous(seen, now)
    if stable and canary and canary.revision == stable.revision:
        canary = None
    if stable and previous and previous.revision == stable.revision:
        previous = None
    return Course(stable, canary, previous, seen.status.withdrawn)


def _with_role(seen: Observed, role: str) -> Record | None:
    # While there is a status it alone counts: labels follow it one pass later.
    if seen.status.stable:
        return None
    found = [record for record in seen.records if record.role == role]
    weights = seen.live_route.weights
    # Two have a role for a moment while the records follow a promotion.
    return max(found, key=lambda record: (weights.get(record.service, 0), record.ordinal), default=None)


def _remembered_stable(seen: Observed) -> RevisionStatus | None:
    record = _with_role(seen, STABLE) or _most_requested(seen)
    return revision_status(record) if record else None


def _most_requested(seen: Observed) -> Record | None:
    """Where the route sends most requests: the records follow the status by one pass, which may never have come."""
    weights = seen.live_route.weights
    found = [record for record in seen.records if weights.get(record.service, 0) > 0]
    return max(found, key=lambda record: weights[record.service], default=None)


def _anchored(canary: CanaryStatus, seen: Observed) -> CanaryStatus:
    """The canary at the step of the spec that its weight has reached: the steps may have been changed meanwhile."""
    weights = [step.weight for step in ways.steps(seen.spec)]
    if canary.step != NOT_ROUTED and ways.hand_weight(seen.spec) is not None:
        return canary.model_copy(update={"step": ways.step_for(seen.spec, canary.weight)})
    if canary.step == NOT_ROUTED or (canary.step < len(weights) and weights[canary.step] == canary.weight):
        return canary
    reached = [index for index, weight in enumerate(weights) if weight <= canary.weight]
    return canary.model_copy(update={"step": reached[-1] if reached else 0})


def _remembered_canary(seen: Observed, now: datetime) -> CanaryStatus | None:
    record = _with_role(seen, CANARY)
    if record is None:
        return None
    live = seen.live_route
    weight = live.weights.get(record.service, 0)
    return CanaryStatus(
        **revision_status(record).model_dump(),
        weight=weight,
        step=0 if weight else NOT_ROUTED,
        since=format_time(live.since or now),
        started=format_time(now),
    )


def _remembered_previous(seen: Observed, now: datetime) -> PreviousStatus | None:
    record = _with_role(seen, PREVIOUS)
    if record is None:
        return None
    since, weight = seen.live_route.since or now, seen.live_route.weights.get(record.service, 0)
    return replaced(revision_status(record), seen, since, weight=weight, bakes=weight > 0)


def replaced(
    stable: RevisionStatus,
    seen: Observed,
    since: datetime,
    *,
    weight: int = 0,
    started: str | None = None,
    bakes: bool = False,
) -> PreviousStatus:
    """The revision that was stable until ``since``: through the bake, if there is one, then for scaleDownSeconds."""
    bake = seen.spec.bake.seconds if bakes else 0
    end = since + timedelta(seconds=bake)
    return PreviousStatus(
        **stable.model_dump(include=set(RevisionStatus.model_fields)),
        weight=weight if bake else 0,
        since=format_time(since),
        started=started,
        bake_until=format_time(end) if bake else None,
        until=format_time(end + timedelta(seconds=seen.spec.scale_down_seconds)),
    )
