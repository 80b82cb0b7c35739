"""The decision engine: pure mathematics over counts. No input or output; the time is an argument.

`engine.start` begins the evidence of a rollout, `engine.update` adds the counts of one interval, `engine.verdict`
says what should happen; `checkpoint` stores a state and `counts` makes counts from Prometheus' raw samples.
"""

from perennial.rollout.decision import Decision, HoldReason, Verdict
from perennial.rollout.plan import Metric, Plan, Step, errors, metric

__all__ = ["Decision", "HoldReason", "Metric", "Plan", "Step", "Verdict", "errors", "metric"]
