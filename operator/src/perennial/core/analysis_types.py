"""What the metrics loop is asked and what it answers."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, NamedTuple, TypeVar

from perennial.rollout.decision import Verdict
from perennial.rollout.plan import Plan

KeyT = TypeVar("KeyT", bound=Hashable)

NOT_ROUTED = -1
"""`Watched.step` of a canary that gets no share of traffic yet: stable's history is gathered, nothing is judged."""


@dataclass(frozen=True)
class Counted:
    """What makes a request bad for the plan's metric of this name.

    `errors` and `latency` are of every source that can tell them, other names are of its owner's own metrics.
    `slower_than` is the bound of `latency` in milliseconds; None: learned from stable before the evidence begins.
    """

    name: str
    slower_than: int | None = None


ERRORS = Counted("errors")


@dataclass(frozen=True)
class Watched(Generic[KeyT]):
    """One rollout to follow, as the controller sees it in this pass.

    `stable` and `canary` are InferenceService names in `namespace`; `revision` identifies the rollout: another one
    starts its evidence anew. `step` is the index into `plan.steps` of the weight that the route has now, NOT_ROUTED, or
    `len(plan.steps)` while baking: then `canary` is the promoted revision and `stable` the old one that keeps a share.
    `weight_since` is the last change of the route's weights, `step_since` the entry into the step; both UTC.
    `checkpoint` is the last `Reading.checkpoint` that was stored, used only when the loop meets this rollout for the
    first time. `source` names a source of metrics (empty: the default one), `metrics` says how the plan's are counted.
    `disturbed` are times (Unix seconds, the second infinite while it lasts) in which pods of either version were going
    or unready for a cause that is not the model's: what touches one is counted for neither. `by_hand`: a person
    holds the weight; `step` is then `plan.step_for` it.
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
    source: str = ""
    metrics: tuple[Counted, ...] = (ERRORS,)
    disturbed: tuple[tuple[float, float], ...] = ()
    by_hand: bool = False

    def __post_init__(self) -> None:
        """Raise ValueError for a step that the plan does not have."""
        if not NOT_ROUTED <= self.step <= len(self.plan.steps):
            raise ValueError(f"step {self.step} of a plan with {len(self.plan.steps)} steps")


@dataclass(frozen=True)
class MetricReading:
    """One metric's numbers for people: totals since the evidence began, evidence in natural logarithms.

    `bound_rollback` is what this metric alone would need, log(1/(alpha·its share)). `note` says how it is counted
    where its name does not: "slower than 20 ms, learned from stable".
    """

    name: str
    canary_requests: int
    canary_bad: int
    stable_requests: int
    stable_bad: int
    evidence_rollback: float
    evidence_advance: float
    bound_rollback: float
    bound_advance: float
    note: str = ""


class TracePoint(NamedTuple):
    """The evidence at one time (Unix seconds), for a curve; the weight in percent, evidence in natural logarithms."""

    time: float
    step: int
    weight: int
    evidence_rollback: float
    evidence_advance: float


@dataclass(frozen=True)
class Reading:
    """What the evidence says at `at` (the end of the last counted interval, UTC).

    `step` is the step it was read at: a verdict for another step is out of date. `reason` is a HoldReason with every
    Hold and empty otherwise. Counts are totals since the evidence began, for people; decisions never use totals.
    Evidence is in natural logarithms: `evidence_rollback` against `bound_rollback` = log(1/alpha), `evidence_advance`
    (of the next move) against `bound_advance` = log(1/beta). `first_step` is the step that suits the traffic to start
    with, None until stable's rate is known. `checkpoint` is to be stored in status as it is; empty before evidence.
    The flat counts and evidence are of the metric that speaks most for a rollback, and of all together. `metrics` has
    each one's. `expected_seconds` is the time to promotion that the traffic seen lets expect, None if unknown;
    `decidable` a sentence where the settings cannot be decided within the time cap, None otherwise.
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
    metrics: tuple[MetricReading, ...] = ()
    expected_seconds: float | None = None
    decidable: str | None = None
