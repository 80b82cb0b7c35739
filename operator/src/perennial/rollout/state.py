"""The state of a rollout's evidence: immutable, a function of the history and the batches since."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from perennial.rollout.absolute import Ceiling
from perennial.rollout.bursts import Bursts
from perennial.rollout.decision import Decision
from perennial.rollout.evalue import Comparison
from perennial.rollout.numeric import log_sum
from perennial.rollout.plan import ERRORS, Plan
from perennial.rollout.rollback import Mixture
from perennial.rollout.steering import Steering
from perennial.rollout.steps import RAMP_SLACK

__all__ = ["ENGINE_VERSION", "ERRORS", "Batch", "Facts", "MetricState", "State"]

ENGINE_VERSION = "2"
"""Changes whenever the same counts would give other evidence: stored evidence of another version is not used."""


@dataclass(frozen=True)
class MetricState:
    """One metric: `delta`, `bursts` and `margins` are frozen at the start; another delta would be another hypothesis.

    `weight` is the metric's part v_m of the rollback evidence; with a `ceiling` each of the two processes has half of
    it. `known`: stable's history was long enough to tell bursts from chance. `totals` are for people only.
    """

    name: str
    weight: float
    delta: float
    bursts: Bursts
    known: bool
    margins: tuple[float, ...]
    steering: Steering
    mixture: Mixture
    advance: tuple[float, ...]
    totals: Comparison
    ceiling: Ceiling | None = None

    @property
    def log_compared(self) -> float:
        """The part of the rollback evidence that comes from the comparison with stable."""
        half = 1.0 if self.ceiling is None else 0.5
        return math.log(half * self.weight) + self.mixture.log_evidence

    @property
    def log_bounded(self) -> float:
        """The part that comes from the absolute bound; minus infinity if there is none."""
        return -math.inf if self.ceiling is None else math.log(self.weight / 2) + self.ceiling.mixture.log_evidence

    @property
    def log_rollback(self) -> float:
        """Both parts together: log(v_m·E_m)."""
        return log_sum((self.log_compared, self.log_bounded))


@dataclass(frozen=True)
class State:
    """All metrics, the counted `seconds` since the first batch, and for how long nothing could be learnt (`idle`).

    `rps` is the rate of all requests before the first batch. `slack` is m/delta in the ramp, the part of the
    tolerance that is never a reason to roll back. `peak` is the highest `log_rollback` after any batch: a bound once
    reached stays reached, also if nobody looked just then.
    """

    plan: Plan
    rps: float
    seconds: float
    idle_seconds: float
    metrics: tuple[MetricState, ...]
    slack: float = RAMP_SLACK
    peak: float = 0.0

    @property
    def log_rollback(self) -> float:
        """log Σ v_m·E_m: an average of supermartingales, whatever the dependence between metrics."""
        return log_sum(tuple(metric.log_rollback for metric in self.metrics))

    def log_advance(self, step: int) -> float:
        """The move out of `step`: the weakest metric's evidence, for a promotion needs every metric; 0 in the bake."""
        return 0.0 if step >= self.plan.bake else self.slowest(step).advance[step]

    def slowest(self, step: int) -> MetricState:
        """The metric that keeps the rollout at `step` the longest."""
        return min(self.metrics, key=lambda metric: metric.advance[step])

    @property
    def cause(self) -> MetricState:
        """The largest part of the rollback evidence: an explanation, not a test."""
        return max(self.metrics, key=lambda metric: max(metric.log_compared, metric.log_bounded))


@dataclass(frozen=True)
class Batch:
    """Counts of both versions over `seconds` at one constant weight, by metric; a metric without data is left out.

    `absolute` has the counts that absolute bounds are for (errors: 5xx and no answer only; of other metrics the same as
    in `metrics`); stable's matter only where a bound is derived from them. `by_hand`: the weight was set by a person.
    """

    seconds: float
    metrics: Mapping[str, Comparison]
    absolute: Mapping[str, Comparison] = field(default_factory=dict)
    by_hand: bool = False


@dataclass(frozen=True)
class Facts:
    """What counts cannot say: time in the step, and what keeps the rollout from moving on (never from going back)."""

    step_seconds: float
    block: Decision | None = None
