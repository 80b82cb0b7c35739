"""The vectorised twin and the shipped engine are the same function of the counts."""

import math
from random import Random

import numpy as np
import pytest

from bench.rollout.twin import ADVANCE, HOLD, PROMOTE, ROLL_BACK, Counts, History, Twin
from perennial.rollout import Plan, engine, errors
from perennial.rollout.engine import Batch, Facts
from perennial.rollout.evalue import Comparison
from perennial.rollout.evalue import Counts as EngineCounts
from perennial.rollout.steering import History as EngineHistory

ROWS, POLLS = 12, 60
WORDS = {HOLD: "Hold", ADVANCE: "Advance", PROMOTE: "Promote", ROLL_BACK: "RollBack"}


def histories(rng: Random) -> list[EngineHistory]:
    made = []
    for _ in range(ROWS):
        rps = rng.choice([1.0, 10.0, 100.0, 300.0])
        n = int(3600 * rps)
        bad = rng.randrange(n // rng.choice([10, 100, 1000]) + 1)
        made.append(EngineHistory(EngineCounts(n, bad), 3600.0, rps, rng.choice([1.0, 1.3, 4.0])))
    return made


def polls(rng: Random) -> list[tuple[int, int, int, int]]:
    """A poll for each row: mostly small rates, sometimes no requests, sometimes all bad."""
    made = []
    for _ in range(ROWS):
        n_c, n_s = (rng.choice([0, rng.randrange(1, 40), rng.randrange(1, 1500)]) for _ in range(2))
        rate = rng.choice([0.0, 0.01, 0.05, 1.0])
        made.append((n_c, min(n_c, int(n_c * rate * rng.random() * 2)), n_s, int(n_s * rng.choice([0.0, 0.02]))))
    return made


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("slack", [0.0, 0.2])
def test_both_engines_agree_to_1e_9(seed: int, slack: float) -> None:
    rng = Random(seed)
    plan = Plan(metrics=errors(rng.choice([None, 0.01])))
    past = histories(rng)
    states = [engine.start(plan, {engine.ERRORS: each}, slack=slack) for each in past]
    columns = [np.array([float(value) for value in values]) for values in zip(*_numbers(past), strict=True)]
    twin = Twin(plan, History(columns[0], columns[1], 3600.0, columns[2], columns[3]), slack)
    rows = np.ones(ROWS, dtype=bool)
    for _ in range(POLLS):
        found = polls(rng)
        batches = [Comparison(EngineCounts(n_c, x_c), EngineCounts(n_s, x_s)) for n_c, x_c, n_s, x_s in found]
        states = [
            engine.update(state, Batch(plan.poll_seconds, {engine.ERRORS: batch}), 0)
            for state, batch in zip(states, batches, strict=True)
        ]
        twin.update(rows, Counts(*(np.array(column, dtype=float) for column in zip(*found, strict=True))))
        for row, state in enumerate(states):
            metric = state.metrics[0]
            expected = [
                *metric.mixture.logs,
                metric.mixture.log_reserve,
                *metric.advance,
                state.peak,
                metric.steering.x,
            ]
            actual = [*twin.logs[row], twin.log_reserve[row], *twin.advance[row], twin.peak[row], twin.x[row]]
            assert actual == pytest.approx(expected, rel=1e-9, abs=1e-9)
        step = rng.randrange(len(plan.steps))
        seconds = rng.choice([5.0, 30.0])
        verdicts = twin.verdict(rows, np.full(ROWS, step), np.full(ROWS, seconds))
        assert [WORDS[int(each)] for each in verdicts] == [
            engine.verdict(state, step, Facts(seconds)).verdict.value for state in states
        ]
    assert any(math.isfinite(state.peak) and state.peak > 1 for state in states)


def _numbers(past: list[EngineHistory]) -> list[tuple[float, float, float, float]]:
    return [(each.stable.n, each.stable.bad, each.rps, each.phi) for each in past]
