"""Errors at Envoy Gateway: classes of answers, and requests that got none.

A class is absent before its first answer, and is 0 then. Unanswered requests are `total − Σ classes − active` of one
scrape, at least 0. Bad is 4xx, 5xx or unanswered; a request that its client cancelled is unanswered, for both versions
alike. For an absolute bound only 5xx and unanswered count.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from perennial.core.counting.family import Owner, RawSeries, Tally, Wanted, tally
from perennial.core.counting.growth import UNANSWERED, LineKey, Scrapes, Values, process_of
from perennial.rollout.counts import ACTIVE, CLASS, CLASS_LABEL, NAMESPACE_LABEL, SERVICE_LABEL, TOTAL

_TOTAL, _ACTIVE = "total", "active"
_NAMES = f'__name__=~"{TOTAL}|{CLASS}|{ACTIVE}"'


def owner(labels: Mapping[str, str]) -> Owner | None:
    """By the labels that the scrape configuration makes of the cluster's name."""
    name = labels.get(SERVICE_LABEL, "")
    return (labels.get(NAMESPACE_LABEL, ""), name) if name else None


def of_owners(owners: tuple[Owner, ...]) -> str:
    """Matchers for their samples, or for everybody's (DNS labels: nothing to escape)."""
    if not owners:
        return f'{SERVICE_LABEL}!=""'
    namespaces, names = ("|".join(sorted(set(column))) for column in zip(*owners, strict=True))
    return f'{NAMESPACE_LABEL}=~"{namespaces}",{SERVICE_LABEL}=~"{names}"'


@dataclass(frozen=True)
class GatewayErrors:
    """Answers as the gateway counts them, scraped by `job`."""

    job: str
    name: str = "errors"

    def query(self, seconds: float, wanted: Wanted) -> str:
        """See Family."""
        return f'{{job="{self.job}",{_NAMES},{of_owners(wanted.owners)}}}[{math.ceil(seconds)}s]'

    def owner(self, labels: Mapping[str, str]) -> Owner | None:
        """See Family."""
        return owner(labels)

    def collect(self, series: Iterable[RawSeries], _bound: float | None = None) -> Scrapes:
        """Samples of one process with the same time are one scrape; one that lacks the total or a number is none."""
        found: dict[LineKey, dict[float, dict[str, float]]] = {}
        for labels, samples in series:
            line, slot = found.setdefault((process_of(labels), ()), {}), _slot(labels)
            for time, value in samples:
                line.setdefault(time, {})[slot] = value
        return {key: {time: _values(raw) for time, raw in line.items() if _whole(raw)} for key, line in found.items()}

    def tally(self, grown: Values, _bound: float | None) -> Tally:
        """See Family."""
        failed = grown.get("5", 0.0) + grown.get(UNANSWERED, 0.0)
        requests = sum(value for slot, value in grown.items() if slot != _TOTAL)
        return tally(requests, grown.get("4", 0.0) + failed, failed)


def _slot(labels: Mapping[str, str]) -> str:
    name = labels["__name__"]
    return _TOTAL if name == TOTAL else _ACTIVE if name == ACTIVE else labels.get(CLASS_LABEL, "")


def _whole(raw: Mapping[str, float]) -> bool:
    return _TOTAL in raw and all(map(math.isfinite, raw.values()))


def _values(raw: dict[str, float]) -> Values:
    active = raw.pop(_ACTIVE, 0.0)
    raw[UNANSWERED] = max(0.0, 2 * raw[_TOTAL] - sum(raw.values()) - active)
    return raw
