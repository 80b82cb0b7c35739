"""The vectorised twin and the shipped engine are the same function of the counts."""

from __future__ import annotations

import math
from dataclasses import replace
from random import Random

import numpy as np
import pytest

from bench.rollout.evalue import Counts
from bench.rollout.twin import ADVANCE, HOLD, PROMOTE, ROLL_BACK, History, Twin
from perennial.rollout import Plan, engine
from perennial.rollout.bursts import Pods
from perennial.rollout.engine import Batch, Facts
from perennial.rollout.evalue import Comparison
from perennial.rollout.evalue import Counts as EngineCounts
from perennial.rollout.plan import metric
from perennial.rollout.steering import History as EngineHistory

ROWS, POLLS = 12, 60
WORDS = {HOLD: "Hold", ADVANCE: "Advance", PROMOTE: "Promote", ROLL_BACK: "RollBack"}
PLANS = {
    "errors": Plan(),
    "errors with a tolerance": Plan(metrics=(metric("errors", 0.01),)),
    "errors with a bound": Plan(metrics=(metric("errors", None, 0.03),)),
    "errors, latency and a third": Plan(metrics=(metric("errors"), metric("latency", 0.02, 0.5), metric("wrong"))),
    "a bake with two percent held back": Plan(bake_seconds=600.0, holdback=2),
}
Row = tuple[int, int, int, int]


def histories(rng: Random, pods: tuple[int, int]) -> list[EngineHistory]:
    made = []
    for _ in range(ROWS):
        rps = rng.choice([1.0, 10.0, 100.0, 300.0])
        n = int(3600 * rps)
        bad = rng.randrange(n // rng.choice([10, 100, 1000]) + 1)
        of_pods = Pods(rng.choice([1.0, 2.0, 9.0]), *pods)
        made.append(EngineHistory(EngineCounts(n, bad), 3600.0, rps, rng.choice([1.0, 1.3, 4.0]), of_pods))
    return made


def columns(past: list[EngineHistory]) -> History:
    numbers = [(each.stable.n, each.stable.bad, each.rps, each.phi, each.pods.phi) for each in past]
    n, bad, rps, phi, pod_phi = (np.array(each, dtype=float) for each in zip(*numbers, strict=True))
    return History(n, bad, 3600.0, rps, phi, pod_phi, past[0].pods)


def polls(rng: Random) -> list[Row]:
    """A poll for each row: mostly small rates, sometimes no requests, sometimes all bad."""
    made = []
    for _ in range(ROWS):
        n_c, n_s = (rng.choice([0, rng.randrange(1, 40), rng.randrange(1, 1500)]) for _ in range(2))
        rate = rng.choice([0.0, 0.01, 0.05, 1.0])
        made.append((n_c, min(n_c, int(n_c * rate * rng.random() * 2)), n_s, int(n_s * rng.choice([0.0, 0.02]))))
    return made


class Both:
    """The shipped engine's states and the twin, given the same counts."""

    def __init__(self, plan: Plan, rng: Random, slack: float) -> None:
        self.plan, self.rng = plan, rng
        pods = rng.choice([(10, 1), (10, 0), (1, 0)])
        past = {each.name: histories(rng, pods) for each in plan.metrics}
        # The rate of all requests is one number for all metrics of a rollout.
        for found in past.values():
            found[:] = [replace(each, rps=first.rps) for each, first in zip(found, past["errors"], strict=True)]
        rows = [{name: found[row] for name, found in past.items()} for row in range(ROWS)]
        self.states = [engine.start(plan, row, slack=slack) for row in rows]
        self.twin = Twin(plan, {name: columns(found) for name, found in past.items()}, slack)
        self.all = np.ones(ROWS, dtype=bool)

    def poll(self, steps: list[int]) -> None:
        found = {each.name: polls(self.rng) for each in self.plan.metrics}
        self.states = [self._updated(row, found, steps[row]) for row in range(ROWS)]
        counts = [Counts(*(np.array(each, dtype=float) for each in zip(*of, strict=True))) for of in found.values()]
        self.twin.update(self.all, counts, np.array(steps))

    def _updated(self, row: int, found: dict[str, list[Row]], step: int) -> engine.State:
        batches = {}
        for name, of_metric in found.items():
            n_c, x_c, n_s, x_s = of_metric[row]
            batches[name] = Comparison(EngineCounts(n_c, x_c), EngineCounts(n_s, x_s))
        return engine.update(self.states[row], Batch(self.plan.poll_seconds, batches, batches), step)

    def compare(self) -> None:
        for row, state in enumerate(self.states):
            assert self.twin.peak[row] == pytest.approx(state.peak, rel=1e-9, abs=1e-9)
            for part, of_metric in zip(self.twin.parts, state.metrics, strict=True):
                expected = [*of_metric.mixture.logs, of_metric.mixture.log_reserve, *of_metric.advance]
                actual = [*part.mixture.logs[row], part.mixture.log_reserve[row], *part.advance[row]]
                if of_metric.ceiling is not None and part.ceiling is not None:
                    expected += of_metric.ceiling.mixture.logs
                    actual += [*part.ceiling.logs[row]]
                assert actual == pytest.approx(expected, rel=1e-9, abs=1e-9)
                assert part.x[row] == pytest.approx(of_metric.steering.x, rel=1e-9)

    def compare_verdicts(self, step: int, seconds: float) -> None:
        verdicts = self.twin.verdict(self.all, np.full(ROWS, step), np.full(ROWS, seconds))
        assert [WORDS[int(each)] for each in verdicts] == [
            engine.verdict(state, step, Facts(seconds)).verdict.value for state in self.states
        ]


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("slack", [0.0, 0.2])
@pytest.mark.parametrize("name", PLANS)
def test_both_engines_agree_to_1e_9(name: str, seed: int, slack: float) -> None:
    rng, plan = Random(f"{name} {seed}"), PLANS[name]
    both = Both(plan, rng, slack)
    ends = plan.bake + (plan.bake_seconds > 0)
    for _ in range(POLLS):
        both.poll([rng.randrange(ends) for _ in range(ROWS)])
        both.compare()
        both.compare_verdicts(rng.randrange(ends), rng.choice([5.0, 30.0]))
    assert any(math.isfinite(state.peak) and state.peak > 1 for state in both.states)


def test_a_bake_without_a_control_is_not_simulated() -> None:
    with pytest.raises(ValueError, match="not simulated"):
        Twin(Plan(bake_seconds=600.0), {"errors": columns(histories(Random(1), (1, 0)))})
