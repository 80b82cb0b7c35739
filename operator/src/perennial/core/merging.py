"""Routes whose requests the gateway counts by rule and not by Service: nothing can be learned of a version there.

Envoy Gateway names what it counts after the Service only where its backends are merged, and after the route and the
index of the rule otherwise. Such an index moves from one version to another when the route changes.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Iterable

from perennial.core.clock import Clock
from perennial.core.polling import Grid
from perennial.ports.prometheus_types import PrometheusSource, PrometheusUnavailable, Series
from perennial.rollout.counts import SERVICE_LABEL, TOTAL

LOOK_SECONDS = 15.0
CLUSTER_LABEL = "envoy_cluster_name"
BY_INDEX = re.compile(r"httproute/([^/]+)/([^/]+)/rule/[0-9]+(/.*)?")

Route = tuple[str, str]
"""Namespace and name."""

log = logging.getLogger(__name__)


class Merging:
    """Looks at all routes with one query now and then; `on_change` is called with namespace and name of each change.

    While Prometheus does not answer, what was known stays: a rollout that needs it says so itself.
    """

    def __init__(
        self,
        source: PrometheusSource,
        clock: Clock,
        grid: Grid,
        on_change: Callable[[str, str], None],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Nothing is asked before `run`. The source must not be shared: it takes one query at a time."""
        self._source, self._clock, self._grid = source, clock, grid
        self._on_change, self._sleep = on_change, sleep
        self._found: frozenset[Route] = frozenset()

    def unmerged(self, namespace: str, name: str) -> bool:
        """Whether the requests of this route were last counted by rule."""
        return (namespace, name) in self._found

    async def run(self) -> None:
        """Look for ever, until cancelled."""
        while True:
            try:
                await self.look()
            except Exception:
                log.exception("the routes' counts could not be looked at")
            await self._sleep(LOOK_SECONDS)

    async def look(self) -> None:
        """One query."""
        at = self._grid.complete(self._clock.now().timestamp())
        try:
            answer = await self._source.query(query(self._grid), at)
        except PrometheusUnavailable as error:
            log.debug("prometheus: %s (%s)", error.sentence, error.reason)
            return
        found = routes(answer)
        changed, self._found = found ^ self._found, found
        for namespace, name in sorted(changed):
            self._on_change(namespace, name)


def query(grid: Grid) -> str:
    """Raw samples of what is counted by rule. A model server's own metrics always carry the label of its service."""
    seconds = round(max(3 * grid.scrape_interval_seconds, LOOK_SECONDS))
    return f'{{job="{grid.job}",__name__="{TOTAL}",{SERVICE_LABEL}="",{CLUSTER_LABEL}=~"httproute/.+"}}[{seconds}s]'


def routes(answer: Iterable[Series]) -> frozenset[Route]:
    """The routes that series are named after."""
    names = (BY_INDEX.fullmatch(each.labels.get(CLUSTER_LABEL, "")) for each in answer if each.samples)
    return frozenset((name[1], name[2]) for name in names if name)
