"""What is learned of stable before the evidence: its rates, how its bad requests come, a bound of latency. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from perennial.core.counting.family import Family
from perennial.core.counting.growth import Values
from perennial.rollout.bursts import Pods, Spread, spread
from perennial.rollout.evalue import NO_REQUESTS, Counts
from perennial.rollout.steering import History

NO_SPREAD, ONE_POD = Spread(), Pods()
ENOUGH_BAD = 100
"""Bad requests of stable after which it is known well enough, however short its history."""


@dataclass(frozen=True)
class Learned:
    """One metric of stable: `grown` sums by slot, `requests` to both versions, and how bad requests came.

    `bad` are all that were seen for `spread`, also those of long before; `last` is the interval that it ended with.
    """

    grown: Values = field(default_factory=dict)
    requests: int = 0
    spread: Spread = NO_SPREAD
    bad: int = 0
    last: Counts = NO_REQUESTS

    def add(self, family: Family, bound: float | None, canary: Values, stable: Sequence[Values]) -> Learned:
        """With more intervals of stable, in order of time, and what the canary had meanwhile."""
        grown = dict(self.grown)
        for each in stable:
            for slot, value in each.items():
                grown[slot] = grown.get(slot, 0.0) + value
        counts = [family.tally(each, bound).compared for each in stable]
        ours = family.tally(canary, bound).compared.n
        requests = self.requests + ours + sum(each.n for each in counts)
        return replace(self.spread_over(counts), grown=grown, requests=requests)

    def spread_over(self, counts: Sequence[Counts]) -> Learned:
        """With more intervals for the spread alone."""
        found = spread((self.last, *counts))
        again = 1 if self.last.n > 0 else 0
        found = Spread(found.squares, found.expected, found.intervals - again)
        last = next((each for each in reversed(counts) if each.n > 0), self.last)
        return replace(self, spread=self.spread + found, bad=self.bad + sum(each.bad for each in counts), last=last)


@dataclass(frozen=True)
class Warmth:
    """Stable before the evidence began, `seconds` long, by metric. `pods` are its single pods, where they are known."""

    metrics: Mapping[str, Learned] = field(default_factory=dict)
    seconds: float = 0.0
    pods: Pods = ONE_POD

    def suffices(self, warm_up_seconds: float, families: Mapping[str, Family], bounds: Mapping[str, float]) -> bool:
        """Whether evidence may begin."""
        enough = all(
            families[name].tally(learned.grown, bounds.get(name)).compared.bad >= ENOUGH_BAD
            for name, learned in self.metrics.items()
        )
        return self.seconds > 0 and (self.seconds >= warm_up_seconds or (enough and bool(self.metrics)))

    def histories(self, families: Mapping[str, Family], bounds: Mapping[str, float]) -> dict[str, History]:
        """In the engine's terms. A metric that nothing is known of is left out."""
        return {
            name: History(
                stable=families[name].tally(learned.grown, bounds.get(name)).compared,
                seconds=self.seconds,
                rps=learned.requests / self.seconds,
                phi=learned.spread.phi,
                pods=self.pods if name == "errors" else Pods(stable=self.pods.stable),
            )
            for name, learned in self.metrics.items()
            if learned.grown and self.seconds > 0
        }

    @property
    def rps(self) -> float:
        """Requests per second to both versions."""
        requests = max((learned.requests for learned in self.metrics.values()), default=0)
        return requests / self.seconds if self.seconds > 0 else 0.0

    def stable(self, name: str, family: Family, bound: float | None) -> Counts:
        """Stable's counts of one metric."""
        return family.tally(self.metrics[name].grown, bound).compared if name in self.metrics else NO_REQUESTS


COLD = Warmth()
