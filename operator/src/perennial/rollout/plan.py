"""What the user asked of a rollout: error probabilities, metrics, steps, times."""

from __future__ import annotations

from dataclasses import dataclass

ERRORS, LATENCY = "errors", "latency"
SHARES = {ERRORS: 0.5, LATENCY: 0.3}
OTHER_SHARE = 0.2


@dataclass(frozen=True)
class Metric:
    """A yes/no of each request that both versions are compared on.

    - `share`: its part of the rollback evidence, renormalised over the plan's metrics at the start;
    - `tolerance` (delta): how much worse its rate may be and still pass; None: from stable's rate;
    - `maximum`: a bound on the canary's own rate, whatever stable's is; None: there is none.
    """

    name: str
    share: float
    tolerance: float | None = None
    maximum: float | None = None

    def __post_init__(self) -> None:
        """Raise ValueError for what no evidence could follow."""
        if self.share <= 0:
            raise ValueError("share must be positive")
        for name, rate in (("tolerance", self.tolerance), ("maximum", self.maximum)):
            if rate is not None and not 0 < rate < 1:
                raise ValueError(f"{name} must lie between 0 and 1")


def metric(name: str, tolerance: float | None = None, maximum: float | None = None) -> Metric:
    """The metric with the share that its name has: errors 0.5, latency 0.3, anything else 0.2."""
    return Metric(name, SHARES.get(name, OTHER_SHARE), tolerance, maximum)


def errors(tolerance: float | None = None, maximum: float | None = None) -> tuple[Metric, ...]:
    """`Plan.metrics` of a rollout that is compared on errors alone."""
    return (metric(ERRORS, tolerance, maximum),)


@dataclass(frozen=True)
class Step:
    """A share of traffic for the canary: `weight` in percent (1 to 99), kept for at least `min_seconds`."""

    weight: int
    min_seconds: float = 0.0


DEFAULT_STEPS = (Step(5), Step(10), Step(25), Step(50))


@dataclass(frozen=True)
class Plan:
    """The settings of one rollout. Another `question` is another rollout: its evidence starts anew.

    - `false_rollback` (alpha): the probability that a healthy canary is ever rolled back by counted requests;
    - `miss` (beta): the probability that a canary worse by more than the tolerance is promoted;
    - `metrics`: what both versions are compared on; a promotion needs every one;
    - `steps`: rising weights; move k leads from `steps[k]` to the next, the last one to `final_weight`;
    - `bake_seconds`: how long the promoted version is watched; 0: not at all. Meanwhile `holdback` percent of the
      traffic stay on the old version, to be compared with;
    - `warm_up_seconds`: how long stable must have been seen before evidence starts;
    - `poll_seconds`: length of a batch of counts; `time_cap_seconds`: after that much counted time, only hold;
    - `request_timeout_seconds`: the longest a request may take, so that late failures are not missed.
    """

    false_rollback: float = 0.01
    miss: float = 0.05
    metrics: tuple[Metric, ...] = errors()
    steps: tuple[Step, ...] = DEFAULT_STEPS
    holdback: int = 0
    bake_seconds: float = 0.0
    warm_up_seconds: float = 600.0
    poll_seconds: float = 5.0
    time_cap_seconds: float = 4 * 3600.0
    request_timeout_seconds: float = 15.0

    def __post_init__(self) -> None:
        """Raise ValueError for a plan that no evidence could follow."""
        weights, names = self.weights, [metric.name for metric in self.metrics]
        if not (0 < self.false_rollback < 1 and 0 < self.miss < 1):
            raise ValueError("false_rollback and miss must lie between 0 and 1")
        if not names or len(names) != len(set(names)):
            raise ValueError("there must be metrics, each with a name of its own")
        if not weights or list(weights) != sorted(set(weights)) or weights[0] < 1 or weights[-1] > 99:
            raise ValueError("steps must be rising weights from 1 to 99")
        if self.poll_seconds <= 0 or self.bake_seconds < 0 or not 0 <= self.holdback < 100:
            raise ValueError("poll_seconds must be positive, bake_seconds not negative, holdback from 0 to 99")

    @property
    def weights(self) -> tuple[int, ...]:
        """The steps' weights in percent."""
        return tuple(step.weight for step in self.steps)

    @property
    def bake(self) -> int:
        """The index of the time after the promotion, where other steps have theirs."""
        return len(self.steps)

    @property
    def final_weight(self) -> int:
        """The canary's weight from the promotion to the end of the bake: never less than at the last step."""
        return 100 if self.bake_seconds == 0 else max(100 - self.holdback, self.weights[-1])

    @property
    def compared_in_bake(self) -> bool:
        """Whether the old version keeps a share while baking, as a control."""
        return self.final_weight < 100

    @property
    def bounded_in_bake(self) -> bool:
        """Whether only absolute bounds are left while baking."""
        return self.bake_seconds > 0 and not self.compared_in_bake

    @property
    def move_shares(self) -> tuple[float, ...]:
        """For each move the canary's share of traffic after it, in (0, 1]; the last is 1: the bake is no step."""
        return (*(weight / 100 for weight in self.weights[1:]), 1.0)

    @property
    def question(self) -> tuple[object, ...]:
        """What the evidence depends on. Times (but for the poll) may change and the evidence goes on."""
        asked = (self.false_rollback, self.miss, self.metrics, self.weights, self.poll_seconds)
        return (*asked, self.final_weight, self.bounded_in_bake)

    def share(self, step: int) -> float:
        """The canary's share of traffic at `step`, `bake` included, in (0, 1]."""
        return (self.final_weight if step == self.bake else self.weights[step]) / 100

    def step_for(self, weight: int) -> int:
        """The step whose settings suit a `weight` set by hand: the first that is not lighter, else the last."""
        return next((index for index, each in enumerate(self.weights) if each >= weight), len(self.steps) - 1)

    def minimum_seconds(self, step: int) -> float:
        """How long `step` lasts at least: a request that runs into its timeout must be counted before the move."""
        return max(self.steps[step].min_seconds, self.request_timeout_seconds + self.poll_seconds)
