"""A Prometheus in memory for unit tests: it scrapes what a test sets and remembers every query."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Mapping

from perennial.ports.prometheus_types import PrometheusUnavailable, Series

_MATCHER = re.compile(r'(\w+)(=~|!~|!=|=)"((?:[^"\\]|\\.)*)"')
_RANGE = re.compile(r"\[(\d+)s(?::(\d+)s)?\]$")

Labels = tuple[tuple[str, str], ...]


class RecordingPrometheus:
    """Keeps samples by labels; answers `{matchers}[Ns]` and `{matchers}[Ns:Ms]` with any matchers.

    `failure`, if set, is raised by every query. `queries` has each (promql, at).
    """

    def __init__(self) -> None:
        """Empty."""
        self.samples: defaultdict[Labels, list[tuple[float, float]]] = defaultdict(list)
        self.queries: list[tuple[str, float]] = []
        self.failure: PrometheusUnavailable | None = None

    def add(self, labels: Mapping[str, str], time: float, value: float) -> None:
        """One sample."""
        self.samples[tuple(sorted(labels.items()))].append((time, value))

    async def query(self, promql: str, at: float) -> list[Series]:
        """See PrometheusSource; a range is open at its start, as in Prometheus 3."""
        self.queries.append((promql, at))
        if self.failure is not None:
            raise self.failure
        matchers = [(name, operator, _unquoted(value)) for name, operator, value in _MATCHER.findall(promql)]
        length = _RANGE.search(promql)
        if length is None:
            raise PrometheusUnavailable("QueryRefused", f"not a range vector: {promql}")
        since = at - float(length.group(1))
        answer = []
        for labels, samples in self.samples.items():
            kept = tuple(sorted(sample for sample in samples if since < sample[0] <= at))
            if length.group(2):
                kept = _every(int(length.group(2)), kept)
            if kept and _matches(dict(labels), matchers):
                answer.append(Series(dict(labels), kept))
        return answer


def _every(step: int, samples: tuple[tuple[float, float], ...]) -> tuple[tuple[float, float], ...]:
    """The last sample before each multiple of `step`, as a subquery has it."""
    last = {math.ceil(time / step) * float(step): value for time, value in samples}
    return tuple(last.items())


def _unquoted(value: str) -> str:
    return re.sub(r"\\(.)", r"\1", value)


def _matches(labels: Mapping[str, str], matchers: list[tuple[str, str, str]]) -> bool:
    for name, operator, value in matchers:
        actual = labels.get(name, "")
        equal = re.fullmatch(value, actual) is not None if "~" in operator else actual == value
        if equal == operator.startswith("!"):
            return False
    return True
