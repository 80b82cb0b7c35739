"""Perennial's engine in the simulated world."""

from __future__ import annotations

import numpy as np

from bench.rollout.information import per_canary_request
from bench.rollout.outcome import HORIZON, Ledger, Outcomes
from bench.rollout.twin import ADVANCE, PROMOTE, ROLL_BACK, Array, History, Twin
from bench.rollout.world import TICK, Scenario, World
from perennial.rollout import Plan, bursts
from perennial.rollout.evalue import THETA_MAX
from perennial.rollout.evalue import Counts as EngineCounts

HISTORY_TICKS = 720
"""An hour of stable before the rollout."""


def simulate(scenario: Scenario, plan: Plan, rows: int, rng: np.random.Generator, slack: float = 0.2) -> Outcomes:
    """`rows` rollouts of `scenario`: an hour of stable's history, then the steps of `plan`, polled every 5 s.

    The interval after each change of weight is left out, as the operator does.
    """
    world = World(scenario, rows, rng)
    twin = Twin(plan, _history(world), slack)
    ledger = Ledger(scenario, rows)
    weights = np.array([*plan.weights, 100]) / 100
    step, entered, time = twin.first_step.copy(), np.zeros(rows), 0.0
    told = np.array([_told(scenario, weight) for weight in weights])
    ended = len(plan.weights)
    while time < HORIZON and ledger.active.any():
        share = np.where(ledger.active, weights[step], np.where(ledger.out.verdict == PROMOTE, weights[ended], 0.0))
        counts = world.interval(time, share)
        ledger.served(time, share, counts.n_c)
        time += TICK
        counted = ledger.active & (time - entered > TICK)
        if not counted.any():
            continue
        twin.update(counted, counts.of(counted))
        if time > scenario.harm_after:
            ledger.out.information[counted] += (counts.n_c * told[step])[counted]
        verdicts = np.zeros(rows, dtype=np.int64)
        verdicts[counted] = twin.verdict(counted, step[counted], (time - entered)[counted])
        ledger.end(verdicts == ROLL_BACK, ROLL_BACK, time)
        ledger.end(verdicts == PROMOTE, PROMOTE, time)
        moved = (verdicts == ADVANCE) & ledger.active
        step[moved] += 1
        entered[moved] = time
    return ledger.rest(time)


def _told(scenario: Scenario, weight: float) -> float:
    """Nats that a canary request tells of the difference at this weight."""
    if not scenario.harm or weight >= 1:
        return 0.0
    return per_canary_request(min(scenario.base + scenario.harm, THETA_MAX), scenario.base, weight)


def _history(world: World) -> History:
    n, bad = world.stable_pods(HISTORY_TICKS)
    phi = np.array([_phi(n[row], bad[row], world.scenario.pods) for row in range(world.rows)])
    rps = n.sum(axis=(1, 2)) / (HISTORY_TICKS * TICK)
    return History(n.sum(axis=(1, 2)), bad.sum(axis=(1, 2)), HISTORY_TICKS * TICK, rps, phi)


def _phi(n: Array, bad: Array, pods: bool) -> float:
    def counts(requests: Array, failed: Array) -> list[EngineCounts]:
        return [EngineCounts(int(a), int(b)) for a, b in zip(requests, failed, strict=True)]

    together = counts(n.sum(axis=0), bad.sum(axis=0))
    if not pods:
        return bursts.phi(together)
    # At half the requests one canary pod gets ten times as many as one of ten stable pods.
    of_pods = bursts.pod_phi(counts(*pod) for pod in zip(n, bad, strict=True))
    return max(bursts.phi(together), 1 + (of_pods - 1) * len(n))
