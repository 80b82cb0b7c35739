"""Plays the cells with every system, on all cores, and gives rows for the table of results."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np

from bench.rollout import ours, peers
from bench.rollout.cells import Cell, elsewhere
from bench.rollout.information import least_requests
from bench.rollout.peers import Argo, Flagger
from bench.rollout.tune import HARM, tune
from bench.rollout.world import Scenario

Row = dict[str, Any]
OURS, FLAGGER, ARGO = "Perennial", "Flagger", "Argo Rollouts"
PEERS: dict[str, Flagger | Argo] = {FLAGGER: Flagger(), ARGO: Argo()}


@dataclass(frozen=True)
class Setting:
    """Where the peers' rules are tuned."""

    base: float
    rps: float
    runs: int


def everything(
    cells: Iterable[Cell], settings: Iterable[Setting], seed: int, progress: Callable[[str], None]
) -> list[Row]:
    """All rows, in the order of `cells` and `settings`, however long each takes."""
    cells, settings = list(cells), list(settings)
    jobs = [partial(_default, cell, seed) for cell in cells] + [partial(_tuned, each, seed) for each in settings]
    names = [f"{cell.table}: {cell.label}" for cell in cells] + [f"tuned at {each.base:.2%}" for each in settings]
    rows: list[Row] = []
    with ProcessPoolExecutor() as pool:
        for count, (name, found) in enumerate(zip(names, pool.map(_call, jobs), strict=True), 1):
            progress(f"{count}/{len(jobs)} {name}")
            rows.extend(found)
    return rows


def _call(job: Callable[[], list[Row]]) -> list[Row]:
    return job()


def _generator(seed: int, *words: object) -> np.random.Generator:
    digest = hashlib.sha256(repr((seed, words)).encode()).digest()
    return np.random.default_rng(np.frombuffer(digest, dtype=np.uint32))


def _default(cell: Cell, seed: int) -> list[Row]:
    """A cell with every system at its defaults; the design's reference figures are of our own engine only."""
    rng = _generator(seed, cell.table, cell.label)
    outcomes = ours.simulate(cell.scenario, cell.plan, cell.runs, rng, cell.slack)
    rows = [_row(cell.table, cell.label, OURS, cell.scenario, cell.runs, outcomes.row())]
    rows[0]["bound_requests"] = _bound(cell)
    if cell.table != "reference":
        for name, rule in PEERS.items():
            found = peers.simulate(cell.scenario, rule, cell.runs, _generator(seed, cell.table, cell.label, name))
            rows.append(_row(cell.table, cell.label, name, cell.scenario, cell.runs, found.row()))
    return rows


def _bound(cell: Cell) -> float | None:
    scenario = cell.scenario
    if not scenario.harm:
        return None
    weight = cell.plan.weights[0] / 100
    return least_requests(min(scenario.base + scenario.harm, 0.98), scenario.base, weight, cell.plan.false_rollback)


def _tuned(setting: Setting, seed: int) -> list[Row]:
    """Peers' rules tuned for one setting, then met with other days; ours has nothing to tune."""
    rows = []
    rules = {name: tune(rule, setting.base, setting.rps, setting.runs, seed) for name, rule in PEERS.items()}
    for label, good, harm in _days(setting):
        scenario = Scenario(**{**asdict(good), "harm": harm})
        full = f"base {setting.base:.2%}, {setting.rps:g}/s: {label}, +{100 * harm:g} pp"
        for name, system in {OURS: None, **rules}.items():
            rng = _generator(seed, full, name)
            if system is None:
                found = ours.simulate(scenario, Cell("", "", scenario, 0).plan, setting.runs, rng)
            else:
                found = peers.simulate(scenario, system.rule, setting.runs, rng)
            row = _row("tuned", full, name, scenario, setting.runs, found.row())
            row |= {"day": label, "rule": repr(system.rule) if system else None}
            rows.append(row | {"rule_met_its_goals": system.excess == 0 if system else None})
    return rows


def _days(setting: Setting) -> Iterator[tuple[str, Scenario, float]]:
    for label, scenario in elsewhere(setting.base, setting.rps):
        yield label, scenario, 0.0
        yield label, scenario, HARM


def _row(table: str, label: str, system: str, scenario: Scenario, runs: int, found: dict[str, float | None]) -> Row:
    rounded = {name: None if value is None else float(f"{value:.6g}") for name, value in found.items()}
    return {"table": table, "label": label, "system": system, "runs": runs, **asdict(scenario), **rounded}
