"""What a spec's strategy says, whichever it is. Pure."""

from __future__ import annotations

from perennial.api.modeldeployment import ModelDeploymentSpec
from perennial.api.modeldeployment_status import CanaryStatus
from perennial.api.strategy import Canary, Step, Strategy

NOT_ROUTED = -1


def strategy(spec: ModelDeploymentSpec) -> Strategy:
    """The strategy: a canary in steps, if none is given."""
    return spec.strategy or Strategy(canary=Canary())


def steps(spec: ModelDeploymentSpec) -> list[Step]:
    """The steps that evidence leads through: one for a shadow, none where nothing is judged."""
    chosen = strategy(spec)
    if chosen.shadow:
        # 100 % of copies is no share of users' requests, which a step's weight is.
        return [Step(weight=min(chosen.shadow.percent, 99), gate=chosen.shadow.gate)]
    return chosen.canary.steps if chosen.canary else []


def hand_weight(spec: ModelDeploymentSpec) -> int | None:
    """The canary's share of requests that a person set."""
    canary = strategy(spec).canary
    return canary.weight if canary else None


def mirror(spec: ModelDeploymentSpec) -> int | None:
    """The share of requests that is copied to the canary."""
    shadow = strategy(spec).shadow
    return shadow.percent if shadow else None


def gated(spec: ModelDeploymentSpec, step: int) -> bool:
    """Whether a person has to let a canary out of this step."""
    return steps(spec)[step].gate is not None


def holdback(spec: ModelDeploymentSpec) -> int:
    """The percent that stay on the old revision while the new one bakes: never more than it had at the last step."""
    if spec.bake.seconds == 0 or not steps(spec):
        return 0
    had = 100 if mirror(spec) else 100 - steps(spec)[-1].weight
    return min(spec.bake.holdback_percent, had)


def step_for(spec: ModelDeploymentSpec, weight: int) -> int:
    """The step whose settings suit a weight that is set by hand: the first that is not lighter, else the last."""
    weights = [step.weight for step in steps(spec)]
    return next((index for index, each in enumerate(weights) if each >= weight), len(weights) - 1)


def suits(spec: ModelDeploymentSpec, canary: CanaryStatus) -> bool:
    """Whether a canary gets what this strategy gives it: it may have come to its share under another one."""
    if canary.step == NOT_ROUTED:
        return True
    if strategy(spec).canary:
        return canary.mirror is None and canary.weight > 0
    return canary.weight == 0 and canary.mirror == mirror(spec)
