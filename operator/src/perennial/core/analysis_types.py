"""What the metrics loop is asked and what it answers."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from perennial.rollout.decision import Verdict
from perennial.rollout.plan import Plan

KeyT = TypeVar("KeyT", bound=Hashable)

NOT_ROUTED = -1
"""`Watched.step` of a canary that gets no share of traffic yet: stable's history is gathered, nothing is judged."""


@dataclass(frozen=True)
class Watched(Generic[KeyT]):
    """One rollout to follow, as the controller sees it in this pass.

    `stable` and `canary` are InferenceService names in `namespace` (labels `isvc`, `isvc_namespace` of the series);
    `revision` identifies the rollout: another one starts its evidence anew. `step` is the index into `plan.steps` of
    the weight that the route has now, or NOT_ROUTED. `weight_since` is the last change of the route's weights,
    `step_since` the entry into the step; both UTC. `checkpoint` is the last `Reading.checkpoint` that was stored, used
    only when the loop meets this rollout for the first time.
    """

    key: KeyT
    namespace: str
    stable: str
    canary: str
    revision: str
    plan: Plan
    step: int
    weight_since: datetime
    step_since: datetime
    checkpoint: str = ""

    def __post_init__(self) -> None:
        """Raise ValueError for a step that the plan does not have."""
        if not NOT_ROUTED <= self.step < len(self.plan.steps):
            raise ValueError(f"step {self.step} of a plan with {len(self.plan.steps)} steps")


@dataclass(frozen=True)
class Reading:
    """What the evidence says at `at` (the end of the last counted interval, UTC).

    `step` is the step it was read at: a verdict for another step is out of date. `reason` is a HoldReason with every
    Hold and empty otherwise. Counts are totals since the evidence began, for people; decisions never use totals.
    Evidence is in natural logarithms: `evidence_rollback` against `bound_rollback` = log(1/alpha), `evidence_advance`
    (of the next move) against `bound_advance` = log(1/beta). `first_step` is the step that suits the traffic to start
    with, None until stable's rate is known. `checkpoint` is to be stored in status as it is; empty before evidence.
    """

    verdict: Verdict
    reason: str
    message: str
    step: int
    canary_requests: int
    canary_bad: int
    stable_requests: int
    stable_bad: int
    evidence_rollback: float
    evidence_advance: float
    bound_rollback: float
    bound_advance: float
    first_step: int | None
    checkpoint: str
    at: datetime
