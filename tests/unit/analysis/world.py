"""A gateway with two versions, scraped by a Prometheus in memory, and the loop on a clock that the test moves."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from perennial.core.analysis import Analysis, Reading, Watched
from perennial.core.counting.pods import PodErrors
from perennial.core.polling import Grid
from perennial.core.sources import Source, Sources, gateway_families
from perennial.ports.prometheus_fake import RecordingPrometheus
from perennial.ports.prometheus_types import PrometheusSource
from perennial.rollout import Plan, errors
from perennial.rollout.counts import ACTIVE, CLASS, TIME_BUCKET, TOTAL

GRID = Grid(poll_seconds=5, scrape_interval_seconds=2, scrape_timeout_seconds=2)
PLAN = Plan(metrics=errors(0.01), warm_up_seconds=60)
START = 1_800_000_000.0
EDGES = ("10", "50.0", "100", "+Inf")
"""Of the gateway's histogram, as exporters and versions of Prometheus write them."""

Traffic = Callable[[float], dict[tuple[str, str], float]]
"""Requests per second by (InferenceService, class of the answer; "" for none) at a time."""


def gateway(prometheus: PrometheusSource) -> Sources:
    """What the settings of an operator alone make of a Prometheus."""
    return Sources({"": Source("", prometheus, prometheus, gateway_families(GRID.job), PodErrors(GRID.job))})


def at(time: float) -> datetime:
    return datetime.fromtimestamp(time, UTC)


@dataclass
class World:
    """The time, and everything that was scraped until then."""

    traffic: Traffic
    prometheus: RecordingPrometheus = field(default_factory=RecordingPrometheus)
    time: float = START
    scraping: bool = True
    counters: defaultdict[tuple[str, str], float] = field(default_factory=lambda: defaultdict(float))
    versions: set[str] = field(default_factory=lambda: {"m-1", "m-2"})
    slow: dict[str, float] = field(default_factory=dict)
    """The share of each InferenceService's requests that take 80 ms; the others take 8 ms."""
    times: defaultdict[tuple[str, str], float] = field(default_factory=lambda: defaultdict(float))
    gateways: tuple[str, ...] = ("envoy-a",)
    """Gateway processes, each with its share of the requests; a new name is a process that counts from 0."""
    born: dict[str, dict[tuple[str, str], float]] = field(default_factory=dict)

    def now(self) -> datetime:
        """As a clock."""
        return at(self.time)

    def run(self, seconds: float) -> None:
        """Let time pass, a scrape each two seconds."""
        end = self.time + seconds
        while self.time < end:
            self.time += 1.0
            for key, rate in self.traffic(self.time).items():
                self.counters[key] += rate
                slow = rate * self.slow.get(key[0], 0.0)
                for edge, count in zip(EDGES, (rate - slow, rate - slow, rate, rate), strict=True):
                    self.times[key[0], edge] += count if key[1] else 0.0
            if self.scraping and self.time % 2 == 0:
                self.scrape()

    def scrape(self) -> None:
        """Every series of every version, of each gateway process."""
        for pod in self.gateways:
            born = self.born.setdefault(pod, {} if self.time < START + 4 else dict(self.counters))
            for isvc in self.versions:
                labels = {"job": GRID.job, "isvc_namespace": "flights", "isvc": isvc, "pod": pod}
                self._answers(labels, {key: value - born.get(key, 0.0) for key, value in self.counters.items()})
                self._durations(labels)

    def _answers(self, labels: dict[str, str], counters: dict[tuple[str, str], float]) -> None:
        share = 1 / len(self.gateways)
        of_class = {code: int(value * share) for (name, code), value in counters.items() if name == labels["isvc"]}
        self.prometheus.add(labels | {"__name__": TOTAL}, self.time, sum(of_class.values()))
        self.prometheus.add(labels | {"__name__": ACTIVE}, self.time, 0)
        for code, value in of_class.items():
            if code and value:
                answer = labels | {"__name__": CLASS, "envoy_response_code_class": code}
                self.prometheus.add(answer, self.time, value)

    def _durations(self, labels: dict[str, str]) -> None:
        if not self.slow:
            return
        for edge in EDGES:
            bucket = labels | {"__name__": TIME_BUCKET, "le": edge}
            self.prometheus.add(bucket, self.time, int(self.times[labels["isvc"], edge]))


class Loop:
    """The analysis of one rollout, polled by hand."""

    def __init__(self, world: World, watched: Watched[str]) -> None:
        self.world, self.watched = world, watched
        self.changes: list[str] = []
        self.analysis: Analysis[str] = Analysis(gateway(world.prometheus), world, GRID, self.changes.append)
        self.analysis.track(watched)

    async def run(self, seconds: float) -> Reading:
        """Let time pass and poll as often as the loop would."""
        end = self.world.time + seconds
        while self.world.time < end:
            self.world.run(1.0)
            if (self.world.time - GRID.scrape_timeout_seconds - 1) % GRID.poll_seconds == 0:
                await self.catch_up()
        return await self.catch_up()

    async def catch_up(self) -> Reading:
        """Poll until nothing is left."""
        while await self.analysis.poll():
            pass
        reading = self.analysis.read(self.watched.key)
        assert reading is not None
        return reading

    def enter(self, step: int) -> None:
        """The controller moved to `step` just now."""
        now = self.world.now()
        self.watched = replace(self.watched, step=step, weight_since=now, step_since=now)
        self.analysis.track(self.watched)


def watched(world: World, **changes: object) -> Watched[str]:
    """A rollout that entered its first step just now."""
    base: Watched[str] = Watched(
        key="m", namespace="flights", stable="m-1", canary="m-2", revision="r2", plan=PLAN, step=0,
        weight_since=world.now(), step_since=world.now(),
    )  # fmt: skip
    return replace(base, **changes)  # type: ignore[arg-type]


def steady(canary_bad: float = 0.0, canary: float = 10.0, stable: float = 90.0) -> Traffic:
    """Constant rates; `canary_bad` per second of the canary's requests are answered with 400."""
    rates = {("m-1", "2"): stable, ("m-2", "2"): canary - canary_bad, ("m-2", "4"): canary_bad}
    return lambda _: rates
