"""What the metrics have in common: which samples they need of a Prometheus and what the increments mean."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from perennial.core.counting.growth import Scrapes, Values
from perennial.rollout.evalue import Counts

Owner = tuple[str, str]
"""Namespace and InferenceService."""
RawSeries = tuple[Mapping[str, str], Iterable[tuple[float, float]]]
"""Labels with `__name__`, and samples (Unix seconds, value)."""

REPLICA_LABELS = ("prometheus", "prometheus_replica")
"""Labels by which a pair of Prometheus servers usually tell their samples apart."""


class Tally(NamedTuple):
    """Requests and bad ones; `failed` are those that count for an absolute bound."""

    compared: Counts
    failed: Counts


@dataclass(frozen=True)
class Wanted:
    """What part of a family is read: of the named InferenceServices (empty: all) and edges (as labels; empty: all)."""

    owners: tuple[Owner, ...] = ()
    edges: tuple[str, ...] = ()


class Family(Protocol):
    """The samples of one metric, for every rollout of a source."""

    @property
    def name(self) -> str:
        """The metric's."""

    def query(self, seconds: float, wanted: Wanted) -> str:
        """A range of raw samples, `seconds` long."""

    def owner(self, labels: Mapping[str, str]) -> Owner | None:
        """Whose samples these are; None if nobody's."""

    def collect(self, series: Iterable[RawSeries], bound: float | None = None, /) -> Scrapes:
        """One version's series as scrapes; only what a known `bound` needs."""

    def tally(self, grown: Values, bound: float | None, /) -> Tally:
        """What increments mean; `bound` is the edge above which an answer is slow."""


def tally(requests: float, bad: float, failed: float) -> Tally:
    """Whole numbers, and never more bad requests than requests."""
    n = round(requests)
    return Tally(Counts(n, min(round(bad), n)), Counts(n, min(round(failed), n)))
