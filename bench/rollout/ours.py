"""Perennial's engine in the simulated world."""

from __future__ import annotations

import numpy as np

from bench.rollout import bursts
from bench.rollout.information import per_canary_request
from bench.rollout.outcome import HORIZON, Ledger, Outcomes
from bench.rollout.twin import ADVANCE, PROMOTE, ROLL_BACK, History, Twin
from bench.rollout.world import STABLE_PODS, TICK, Scenario, World
from perennial.rollout import Plan
from perennial.rollout.bursts import Pods
from perennial.rollout.evalue import THETA_MAX
from perennial.rollout.plan import ERRORS

HISTORY_TICKS = 720
"""An hour of stable before the rollout."""


def simulate(scenario: Scenario, plan: Plan, rows: int, rng: np.random.Generator, slack: float = 0.2) -> Outcomes:
    """`rows` rollouts of `scenario`: an hour of stable's history, then the steps of `plan`, polled every 5 s.

    The interval after each change of weight is left out, as the operator does. With a bake a rollout that was promoted
    may still be rolled back until it ends.
    """
    world = World(scenario, rows, rng)
    twin = Twin(plan, {ERRORS: _history(world)}, slack)
    ledger = Ledger(scenario, rows)
    weights = np.array([plan.share(step) for step in range(plan.bake + 1)])
    told = np.array([_told(scenario, weight) for weight in weights])
    step, entered, time = twin.first_step.copy(), np.zeros(rows), 0.0
    while time < HORIZON and ledger.active.any():
        share = np.where(ledger.active, weights[step], np.where(ledger.out.verdict == PROMOTE, 1.0, 0.0))
        counts = world.interval(time, share)
        ledger.served(time, share, counts.n_c)
        time += TICK
        counted = ledger.active & (time - entered > TICK)
        if not counted.any():
            continue
        twin.update(counted, [counts.of(counted)], step[counted])
        ledger.out.counted[counted] += counts.n_c[counted]
        if time > scenario.harm_after:
            ledger.out.information[counted] += (counts.n_c * told[step])[counted]
        verdicts = np.zeros(rows, dtype=np.int64)
        verdicts[counted] = twin.verdict(counted, step[counted], (time - entered)[counted])
        ledger.end(verdicts == ROLL_BACK, ROLL_BACK, time)
        ledger.promote(verdicts == PROMOTE, time, done=plan.bake_seconds == 0)
        ledger.end((step == plan.bake) & (time - entered >= plan.bake_seconds), PROMOTE)
        moved = ((verdicts == ADVANCE) | (verdicts == PROMOTE)) & ledger.active
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
    rps = n.sum(axis=(1, 2)) / (HISTORY_TICKS * TICK)
    phi = bursts.phi(n.sum(axis=1), bad.sum(axis=1))
    pods = Pods(stable=STABLE_PODS, canary=1) if world.scenario.pods else Pods()
    pod_phi = bursts.pod_phi(n, bad) if world.scenario.pods else np.ones(1)
    seconds = HISTORY_TICKS * TICK
    return History(n.sum(axis=(1, 2)), bad.sum(axis=(1, 2)), seconds, rps, phi, pod_phi, pods)
