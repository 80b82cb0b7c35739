"""What users and models do in one interval: requests to each version, and which of them are bad. Seeded."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from bench.rollout.evalue import Array, Counts

TICK = 5.0
"""Seconds of one interval: the poll, and the scrape."""
OUTAGE_RATE = 0.3
INCIDENT_RATE = 0.3
"""The share of bad requests of a single pod while it has an incident, which lasts one interval."""
STABLE_PODS = 10


@dataclass(frozen=True)
class Scenario:
    """One cell of the table.

    `base` is stable's rate of bad requests, `harm` what the canary adds to it from `harm_after` seconds on, `rps` the
    rate of all requests. `drift` moves both versions' rates together; `burst` is the mean size of a burst of bad
    requests; `pods` lets single pods have incidents (ten of stable, one of the canary); `outage` is (start, seconds)
    of a common outage; `late` delays each bad answer of the canary by so many seconds (a timeout).
    """

    base: float
    rps: float
    harm: float = 0.0
    harm_after: float = 0.0
    drift: Literal["none", "sinus", "step", "rise"] = "none"
    burst: float = 1.0
    pods: bool = False
    outage: tuple[float, float] | None = None
    late: float = 0.0

    def common(self, time: float) -> float:
        """Stable's true rate at `time` (seconds since the start; before it negative)."""
        if self.outage and self.outage[0] <= time < sum(self.outage):
            return OUTAGE_RATE
        if self.drift == "sinus":
            return self.base * (1 + 0.5 * math.sin(2 * math.pi * time / 1800))
        if self.drift == "step":
            return self.base * (1.5 if time >= 120 else 1.0)
        if self.drift == "rise":
            return self.base * (1 + min(max(time, 0.0), 1800.0) / 1800)
        return self.base

    def added(self, time: float) -> float:
        """What the canary adds at `time`."""
        return min(self.harm, 1 - self.common(time)) if time >= self.harm_after else 0.0


@dataclass
class Stream:
    """One version's requests and bad ones in an interval."""

    n: Array
    bad: Array


class World:
    """Draws intervals for `rows` rollouts of a scenario."""

    def __init__(self, scenario: Scenario, rows: int, rng: np.random.Generator) -> None:
        self.scenario, self.rows, self._rng = scenario, rows, rng
        self._waiting: list[Array] = []

    def interval(self, time: float, weight: Array) -> Counts:
        """The counts of [time, time + TICK) when the canary gets the share `weight` in [0, 1] of each row."""
        total = self._rng.poisson(self.scenario.rps * TICK, self.rows).astype(float)
        n_c = self._rng.binomial(total.astype(np.int64), weight).astype(float)
        rate = self.scenario.common(time)
        canary = self._bad(n_c, rate, 1) + self._plain(n_c, self.scenario.added(time))
        stable = self._bad(total - n_c, rate, STABLE_PODS)
        return self._delayed(Counts(n_c, np.minimum(canary, n_c), total - n_c, stable))

    def stable_pods(self, intervals: int) -> tuple[Array, Array]:
        """(n, bad) of stable's pods in the past, each of shape (rows, pods, intervals); one pod unless `pods`."""
        pods = STABLE_PODS if self.scenario.pods else 1
        shape = (self.rows, pods, intervals)
        n = self._rng.poisson(self.scenario.rps * TICK / pods, shape).astype(float)
        rates = np.array([self.scenario.common(TICK * (index - intervals)) for index in range(intervals)])
        return n, self._of_pod(n, np.broadcast_to(rates, shape))

    def _bad(self, n: Array, rate: float, pods: int) -> Array:
        if not self.scenario.pods or pods == 1:
            return self._of_pod(n, np.full(n.shape, rate))
        even = np.broadcast_to((n / pods)[:, None], (*n.shape, pods))
        shares = self._rng.poisson(even).astype(float)
        shares *= (n / np.maximum(shares.sum(axis=1), 1.0))[:, None]
        shares = np.floor(shares)
        bad: Array = self._of_pod(shares, np.full(shares.shape, rate)).sum(axis=1)
        return np.minimum(bad, n)

    def _of_pod(self, n: Array, rate: Array) -> Array:
        if self.scenario.pods:
            # Two thirds of what is bad comes from incidents of this one pod.
            incident = self._rng.random(n.shape) < rate * (2 / 3) / INCIDENT_RATE
            return self._binomial(n, np.where(incident, INCIDENT_RATE, rate / 3))
        if self.scenario.burst > 1:
            return self._bursts(n, rate)
        return self._binomial(n, rate)

    def _bursts(self, n: Array, rate: Array) -> Array:
        count = self._rng.poisson(n * rate / self.scenario.burst)
        more = self._rng.negative_binomial(np.maximum(count, 1), 1 / self.scenario.burst)
        return np.minimum(np.where(count > 0, count + more, 0), n).astype(float)

    def _plain(self, n: Array, rate: float) -> Array:
        return self._binomial(n, np.full(n.shape, rate))

    def _binomial(self, n: Array, rate: Array) -> Array:
        return self._rng.binomial(n.astype(np.int64), np.clip(rate, 0.0, 1.0)).astype(float)

    def _delayed(self, counts: Counts) -> Counts:
        """Bad answers of the canary are seen later: until then the request is under way and counts nowhere."""
        if not self.scenario.late:
            return counts
        self._waiting.append(counts.x_c)
        ticks = round(self.scenario.late / TICK)
        seen = self._waiting.pop(0) if len(self._waiting) > ticks else np.zeros(self.rows)
        return Counts(counts.n_c - counts.x_c + seen, seen, counts.n_s, counts.x_s)
