"""What the user asked of a rollout: error probabilities, tolerance, steps, times."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Step:
    """A share of traffic for the canary: `weight` in percent (1 to 99), kept for at least `min_seconds`."""

    weight: int
    min_seconds: float = 0.0


DEFAULT_STEPS = (Step(5), Step(10), Step(25), Step(50))


@dataclass(frozen=True)
class Plan:
    """The settings of one rollout. A changed plan is another rollout: its evidence starts anew.

    - `false_rollback` (alpha): the probability that a healthy canary is ever rolled back by counted requests;
    - `miss` (beta): the probability that a canary worse by more than the tolerance is promoted;
    - `tolerance` (delta): how much worse a rate of bad requests may be and still pass; None: from stable's rate;
    - `steps`: rising weights; move k leads from `steps[k]` to the next, the last one to 100 percent;
    - `warm_up_seconds`: how long stable must have been seen before evidence starts;
    - `poll_seconds`: length of a batch of counts; `time_cap_seconds`: after that much counted time, only hold;
    - `request_timeout_seconds`: the longest a request may take, so that late failures are not missed.
    """

    false_rollback: float = 0.01
    miss: float = 0.05
    tolerance: float | None = None
    steps: tuple[Step, ...] = DEFAULT_STEPS
    warm_up_seconds: float = 600.0
    poll_seconds: float = 5.0
    time_cap_seconds: float = 4 * 3600.0
    request_timeout_seconds: float = 15.0

    def __post_init__(self) -> None:
        """Raise ValueError for a plan that no evidence could follow."""
        weights = self.weights
        if not (0 < self.false_rollback < 1 and 0 < self.miss < 1):
            raise ValueError("false_rollback and miss must lie between 0 and 1")
        if self.tolerance is not None and not 0 < self.tolerance < 1:
            raise ValueError("tolerance must lie between 0 and 1")
        if not weights or list(weights) != sorted(set(weights)) or weights[0] < 1 or weights[-1] > 99:
            raise ValueError("steps must be rising weights from 1 to 99")
        if self.poll_seconds <= 0:
            raise ValueError("poll_seconds must be positive")

    @property
    def weights(self) -> tuple[int, ...]:
        """The steps' weights in percent."""
        return tuple(step.weight for step in self.steps)

    @property
    def move_shares(self) -> tuple[float, ...]:
        """For each move the canary's share of traffic after it, in (0, 1]; the last is 1."""
        return (*(weight / 100 for weight in self.weights[1:]), 1.0)

    def minimum_seconds(self, step: int) -> float:
        """How long `step` lasts at least: a request that runs into its timeout must be counted before the move."""
        return max(self.steps[step].min_seconds, self.request_timeout_seconds + self.poll_seconds)
