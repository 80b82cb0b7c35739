"""The words of a decision: verdicts and the reasons to hold."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """What the evidence says should happen now."""

    ADVANCE = "Advance"
    PROMOTE = "Promote"
    ROLL_BACK = "RollBack"
    WITHDRAW = "Withdraw"
    HOLD = "Hold"


class HoldReason(StrEnum):
    """Why nothing moves. Some are born in the evidence, others in what the controller sees of pods and spec."""

    INSUFFICIENT_EVIDENCE = "InsufficientEvidence"
    NO_TRAFFIC = "NoTraffic"
    METRICS_UNAVAILABLE = "MetricsUnavailable"
    WARMING_UP = "WarmingUp"
    PAUSED = "Paused"
    AWAITING_PROMOTION = "AwaitingPromotion"
    MINIMUM_TIME = "MinimumTime"
    CAPACITY_NOT_READY = "CapacityNotReady"
    STABLE_NOT_READY = "StableNotReady"
    TIME_CAP_REACHED = "TimeCapReached"
    BAKING = "Baking"


@dataclass(frozen=True)
class Decision:
    """A verdict with one sentence for a person; `reason` is given with every Hold and only there."""

    verdict: Verdict
    sentence: str
    reason: HoldReason | None = None


def hold(reason: HoldReason, sentence: str) -> Decision:
    """A Hold for `reason`."""
    return Decision(Verdict.HOLD, sentence, reason)
