"""The state of a rollout's evidence: immutable, a function of the history and the batches since."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from perennial.rollout.decision import Decision
from perennial.rollout.evalue import Comparison
from perennial.rollout.numeric import log_sum
from perennial.rollout.plan import Plan
from perennial.rollout.rollback import Mixture
from perennial.rollout.steering import Steering
from perennial.rollout.steps import RAMP_SLACK

ENGINE_VERSION = "1"
"""Changes whenever the same counts would give other evidence: stored evidence of another version is not used."""

ERRORS = "errors"


@dataclass(frozen=True)
class MetricState:
    """One metric: `delta`, `phi` and `margins` are frozen at the start, for changing them would change the hypothesis.

    `weight` is the metric's share v_m of the rollback evidence; `totals` are for people only.
    """

    name: str
    weight: float
    delta: float
    phi: float
    margins: tuple[float, ...]
    steering: Steering
    mixture: Mixture
    advance: tuple[float, ...]
    totals: Comparison


@dataclass(frozen=True)
class State:
    """All metrics, the counted `seconds` since the first batch, and for how long one version had no requests.

    `slack` is m/delta, the part of the tolerance that is never a reason to roll back. `peak` is the highest
    `log_rollback` after any batch: a bound once reached stays reached, also if nobody looked just then.
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
        return log_sum(tuple(math.log(m.weight) + m.mixture.log_evidence for m in self.metrics))

    def log_advance(self, step: int) -> float:
        """The move out of `step`: the weakest metric's evidence, for a promotion needs every metric."""
        return min(metric.advance[step] for metric in self.metrics)

    @property
    def cause(self) -> MetricState:
        """The largest part of the rollback evidence: an explanation, not a test."""
        return max(self.metrics, key=lambda m: math.log(m.weight) + m.mixture.log_evidence)


@dataclass(frozen=True)
class Batch:
    """Counts of both versions over `seconds` at one constant weight, by metric; a metric without data is left out."""

    seconds: float
    metrics: Mapping[str, Comparison]


@dataclass(frozen=True)
class Facts:
    """What counts cannot say: time in the step, and what keeps the rollout from moving on (never from going back)."""

    step_seconds: float
    block: Decision | None = None
