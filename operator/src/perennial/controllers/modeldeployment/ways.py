"""What a spec's strategy says, whichever it is. Pure."""

from __future__ import annotations

from perennial.api.modeldeployment import ModelDeploymentSpec
from perennial.api.strategy import Canary, Step, Strategy


def strategy(spec: ModelDeploymentSpec) -> Strategy:
    """The strategy: a canary in steps, if none is given."""
    return spec.strategy or Strategy(canary=Canary())


def steps(spec: ModelDeploymentSpec) -> list[Step]:
    """The weights on the way."""
    canary = strategy(spec).canary or Canary()
    return canary.steps


def holdback(spec: ModelDeploymentSpec) -> int:
    """The percent that stay on the old revision while the new one bakes: never more than it had at the last step."""
    if spec.bake.seconds == 0:
        return 0
    return min(spec.bake.holdback_percent, 100 - steps(spec)[-1].weight)
