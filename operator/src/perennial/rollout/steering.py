"""Stable's rate as a guess, X/N with forgetting. It steers the bets and never their validity."""

from __future__ import annotations

import math
from dataclasses import dataclass

from perennial.rollout.bursts import UNSEEN, Bursts, Pods
from perennial.rollout.evalue import NO_REQUESTS, Counts, clamp_theta

FORGET = 0.998
HISTORY_POLLS = 500
MIN_X = 0.25
ENOUGH_BAD = 100
LONG_SECONDS = 3300.0
"""A history with so many bad requests, or of nearly an hour, tells how they come."""


@dataclass(frozen=True)
class History:
    """Stable before the first batch: its counts over `seconds`, and the rate `rps` of all requests to the model.

    `phi` >= 1 is the measured burstiness of bad requests (1: independent requests), `pods` that of single pods where it
    is known.
    """

    stable: Counts
    seconds: float
    rps: float
    phi: float = 1.0
    pods: Pods = UNSEEN

    def phi_of(self, share: float) -> float:
        """The burstiness to reckon with at the canary's `share` of traffic in (0, 1]."""
        return self.bursts.compared(share)

    @property
    def bursts(self) -> Bursts:
        """What is frozen of it."""
        return Bursts(self.phi, self.pods)

    @property
    def known(self) -> bool:
        """Whether it was long enough to tell bursts from chance; else the guarantee is weaker."""
        return self.seconds >= LONG_SECONDS or self.stable.bad >= ENOUGH_BAD


NO_HISTORY = History(NO_REQUESTS, 0.0, 0.0)


@dataclass(frozen=True)
class Steering:
    """Discounted bad requests `x` of `n`."""

    x: float
    n: float

    @property
    def theta(self) -> float:
        """The guessed rate, in [1e-6, 0.98]."""
        return clamp_theta(self.x / self.n)

    @property
    def blind(self) -> bool:
        """Whether stable was never seen: then there is nothing to bet on."""
        return self.n <= 1


def begin(history: History, poll_seconds: float) -> Steering:
    """Half a bad request of one, plus stable's history scaled down to at most 500 polls' requests."""
    polls = history.seconds / poll_seconds
    scale = min(1.0, HISTORY_POLLS / polls) if polls > 0 else 1.0
    return Steering(0.5 + scale * history.stable.bad, 1 + scale * history.stable.n)


def surprised(steering: Steering, stable: Counts, phi: float) -> bool:
    """Whether stable's batch is more than four standard deviations (plus 2·phi) from what was guessed."""
    theta, n = steering.theta, stable.n
    variance = n * theta * (1 - theta) + n * n * theta / steering.n
    return abs(stable.bad - n * theta) > 4 * math.sqrt(phi * variance) + 2 * phi


def update(steering: Steering, stable: Counts, phi: float) -> Steering:
    """The guess for the next batch: a surprise drops the past first."""
    if surprised(steering, stable, phi):
        steering = Steering(steering.theta / 2, 0.5)
    return Steering(max(FORGET * steering.x + stable.bad, MIN_X), FORGET * steering.n + stable.n)
