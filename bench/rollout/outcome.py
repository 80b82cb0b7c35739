"""How rollouts ended, and what they cost."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.rollout.evalue import Array, Mask
from bench.rollout.twin import HOLD, PROMOTE, ROLL_BACK
from bench.rollout.world import TICK, Scenario

HORIZON = 4 * 3600.0
"""Seconds after which a rollout is looked at last; what was promoted goes on serving until then."""


@dataclass
class Outcomes:
    """One entry per rollout: verdict, seconds until it, requests that the canary got until then, `harmed`: how many
    more users had a bad answer within the horizon than without the canary (in expectation, given its weights), and
    `information`: nats about the difference in the intervals counted since the canary broke (see `information`).
    """

    verdict: Array
    seconds: Array
    canary_requests: Array
    harmed: Array
    information: Array
    counted: Array
    """Requests of the canary that were evidence: without those of the intervals around a change of weight."""
    broke: float = 0.0
    """When the canary became worse, in seconds."""

    def share(self, verdict: int) -> float:
        """The share that ended so."""
        return float(np.mean(self.verdict == verdict))

    def quantile(self, verdict: int, q: float) -> float | None:
        """Seconds until `verdict` (the q-th quantile of those that ended so); None if none did."""
        times = self.seconds[self.verdict == verdict]
        return float(np.quantile(times, q)) if len(times) else None

    def row(self) -> dict[str, float | None]:
        """For the table of results."""
        rolled_back = (self.verdict == ROLL_BACK) & (self.seconds > self.broke)
        return {
            "rolled_back": self.share(ROLL_BACK),
            "promoted": self.share(PROMOTE),
            "undecided": self.share(HOLD),
            "promote_p50_s": self.quantile(PROMOTE, 0.5),
            "promote_p90_s": self.quantile(PROMOTE, 0.9),
            "rollback_p50_s": self.quantile(ROLL_BACK, 0.5),
            "canary_requests_to_rollback": float(np.mean(self.canary_requests[rolled_back]))
            if any(rolled_back)
            else None,
            "counted_to_rollback": float(np.mean(self.counted[rolled_back])) if any(rolled_back) else None,
            "information_to_rollback": float(np.mean(self.information[rolled_back])) if any(rolled_back) else None,
            "harmed_mean": float(np.mean(self.harmed)),
        }


class Ledger:
    """Keeps the accounts while rollouts run."""

    def __init__(self, scenario: Scenario, rows: int) -> None:
        self._scenario = scenario
        self.active = np.ones(rows, dtype=bool)
        self._promoted = np.full(rows, HORIZON)
        self.out = Outcomes(
            verdict=np.full(rows, float(HOLD)),
            seconds=np.full(rows, HORIZON),
            canary_requests=np.zeros(rows),
            harmed=np.zeros(rows),
            information=np.zeros(rows),
            counted=np.zeros(rows),
            broke=scenario.harm_after,
        )

    def served(self, time: float, weight: Array, canary_requests: Array) -> None:
        """Users were served for one interval; `weight` in [0, 1] is the canary's share of each rollout."""
        self.out.canary_requests[self.active] += canary_requests[self.active]
        self.out.harmed += self._scenario.rps * TICK * self._scenario.added(time) * weight

    def promote(self, rows: Mask, time: float, *, done: bool) -> None:
        """Those of the still active `rows` got all requests at `time`; without `done` they are watched further."""
        self._promoted[rows & self.active] = time
        if done:
            self.end(rows, PROMOTE)

    def end(self, rows: Mask, verdict: int, time: float | None = None) -> None:
        """Those of the still active `rows` ended at `time`; without one, when they were promoted."""
        ended = rows & self.active
        self.out.verdict[ended] = verdict
        self.out.seconds[ended] = self._promoted[ended] if time is None else time
        self.active &= ~ended

    def rest(self, time: float) -> Outcomes:
        """All are decided at `time`: what was promoted goes on harming until the horizon."""
        self.end(self._promoted < HORIZON, PROMOTE)
        promoted = self.out.verdict == PROMOTE
        ticks = np.arange(time, HORIZON, TICK)
        left = sum(self._scenario.added(float(tick)) for tick in ticks) * self._scenario.rps * TICK
        self.out.harmed[promoted] += left
        return self.out
