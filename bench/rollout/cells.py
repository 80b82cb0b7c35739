"""Which rollouts are played: the rows of the benchmark's table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import product

from bench.rollout.world import Scenario
from perennial.rollout import Plan, errors

BASES = (0.001, 0.005, 0.01, 0.02, 0.05)
RATES = (1.0, 10.0, 30.0, 100.0, 300.0)
HARMS = (0.0, 0.005, 0.01, 0.02, 0.05, 0.5)
REFERENCE = Plan(metrics=errors(0.005))
"""With no slack this is what the design's reference figures are for."""
SHORT = replace(REFERENCE, request_timeout_seconds=5.0)
"""Where no request takes longer than 5 s: a step may be left after 10 s. By default it lasts 20 s at least."""


@dataclass(frozen=True)
class Cell:
    """One row: a scenario, played `runs` times by a system. `table` groups rows; `label` tells them apart in it."""

    table: str
    label: str
    scenario: Scenario
    runs: int
    plan: Plan = field(default_factory=Plan)
    slack: float = 0.2


def grid(runs: int) -> Iterator[Cell]:
    """Base rates x traffic x harm, from the first request on."""
    for base, rps, harm in product(BASES, RATES, HARMS):
        label = f"base {base:.2%}, {rps:g}/s, +{100 * harm:g} pp"
        yield Cell("grid", label, Scenario(base, rps, harm), runs)


def troubles(runs: int) -> Iterator[Cell]:
    """What real traffic does: common drift, bursts, pods with incidents, a common outage."""
    plain = Scenario(0.01, 100.0)
    kinds = {
        "steady": plain,
        "sinus of 50 % in 30 minutes": replace(plain, drift="sinus"),
        "rate 1.5 times higher after 2 minutes": replace(plain, drift="step"),
        "rate doubles in 30 minutes": replace(plain, drift="rise"),
        "bursts of 3": replace(plain, burst=3.0),
        "bursts of 10": replace(plain, burst=10.0),
        "incidents of single pods, one canary pod against ten": replace(plain, pods=True),
        "common outage of 5 minutes": replace(plain, outage=(60.0, 300.0)),
    }
    for (name, scenario), harm in product(kinds.items(), (0.0, 0.02)):
        yield Cell("troubles", f"{name}, +{100 * harm:g} pp", replace(scenario, harm=harm), runs)


def timeouts(runs: int) -> Iterator[Cell]:
    """Failures that take a minute to appear: a canary on which a third of all requests hangs."""
    plan = Plan(request_timeout_seconds=60.0)
    yield Cell("timeouts", "a third hangs for 60 s", Scenario(0.01, 100.0, harm=0.33, late=60.0), runs, plan)


def late(runs: int) -> Iterator[Cell]:
    """Models that break an hour after they were promoted: two percent of the requests stay on the old one for two."""
    plan = Plan(bake_seconds=7200.0, holdback=2)
    for rps, harm in product((30.0, 100.0), (0.0, 0.01, 0.05, 0.5)):
        scenario = Scenario(0.01, rps, harm, harm_after=3600.0)
        yield Cell("late", f"{rps:g}/s, +{100 * harm:g} pp an hour after the start", scenario, runs, plan)


def reference(runs: int) -> Iterator[Cell]:
    """The figures of the design: stable 1 %, tolerance 0.005, no slack."""
    for rps in (10.0, 100.0, 300.0):
        yield Cell("reference", f"{rps:g}/s, +0 pp", Scenario(0.01, rps), runs, REFERENCE, 0.0)
        yield Cell("reference", f"{rps:g}/s, +0 pp, requests of 5 s at most", Scenario(0.01, rps), runs, SHORT, 0.0)
    for harm in (0.005, 0.01, 0.02, 0.05, 0.5):
        label = f"100/s, +{100 * harm:g} pp"
        yield Cell("reference", label, Scenario(0.01, 100.0, harm), runs, REFERENCE, 0.0)
    held = Plan(metrics=errors(0.005), steps=(replace(REFERENCE.steps[0], min_seconds=10800.0), *REFERENCE.steps[1:]))
    for harm in (0.01, 0.02, 0.05):
        late = Scenario(0.01, 100.0, harm, harm_after=3600.0)
        yield Cell("reference", f"held at 5 %, +{100 * harm:g} pp after an hour", late, runs, held, 0.0)


def elsewhere(base: float, rps: float) -> Iterator[tuple[str, Scenario]]:
    """Where a rule that was tuned for `base` and `rps` finds itself on other days."""
    yield "as tuned", Scenario(base, rps)
    for factor in (0.5, 1.2, 1.5):
        yield f"base x {factor:g}", Scenario(base * factor, rps)
    for factor in (0.1, 10.0):
        yield f"traffic x {factor:g}", Scenario(base, rps * factor)
    yield "common outage", Scenario(base, rps, outage=(60.0, 300.0))
