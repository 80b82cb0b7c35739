"""Questions to one Prometheus, and its answers by whose they are."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from perennial.core.counting.family import Owner
from perennial.ports.prometheus_types import PrometheusSource, PrometheusUnavailable, Series
from perennial.rollout.decision import Decision, HoldReason, hold

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Answered:
    """Series by owner; `problem` is the hold if there is no answer. `newest` is the last sample's time, of anybody."""

    series: Mapping[Owner, Sequence[Series]]
    problem: Decision | None = None
    newest: float = 0.0


async def ask(
    client: PrometheusSource, query: str, at: float, owner: Callable[[Mapping[str, str]], Owner | None]
) -> Answered:
    """One query, evaluated at `at` (Unix seconds)."""
    try:
        found = await client.query(query, at)
    except PrometheusUnavailable as error:
        log.warning("prometheus: %s (%s)", error.sentence, error.reason)
        sentence = f"{error.sentence} This never counts against a model."
        return Answered({}, hold(HoldReason.METRICS_UNAVAILABLE, sentence))
    return Answered(_by_owner(found, owner), None, _newest(found))


def _by_owner(
    found: Iterable[Series], owner: Callable[[Mapping[str, str]], Owner | None]
) -> Mapping[Owner, list[Series]]:
    split: defaultdict[Owner, list[Series]] = defaultdict(list)
    for series in found:
        whose = owner(series.labels)
        if whose is not None:
            split[whose].append(series)
    return split


def _newest(found: Iterable[Series]) -> float:
    return max((series.samples[-1][0] for series in found if series.samples), default=0.0)
