"""One size: so many rollouts under way, the real operator's process, and what happens when models go bad."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.scale.prometheus import StandIn
from bench.scale.routes import Place, Routes
from bench.scale.seed import Rollout, Seeder, Template, places, take_route, template
from bench.scale.traffic import Gateway, Pair
from bench.scale.usage import Usage, per_minute, per_pass, samples, usage
from perennial.ports.kube import KubeClient
from tests.apiserver.installation import installation
from tests.apiserver.support import Kubectl, OperatorProcess
from tests.unit.controllers.modeldeployment.world import SETTINGS

SCRAPE_SECONDS = 5.0
SCRAPE_AT = 3.0
"""Scrapes are taken that long after a multiple of the interval; the operator asks 1 s after one."""
UNDER_WAY_SECONDS = 1200.0
GONE_SECONDS = 240.0

Row = dict[str, Any]


@dataclass(frozen=True)
class Size:
    """`rollouts` are under way at every moment; so many more go bad one after the other, `single` in all."""

    rollouts: int
    single: int
    steady_seconds: float

    @property
    def total(self) -> int:
        """At the start."""
        return self.rollouts + self.single


class Stage:
    """Everything around the operator."""

    def __init__(self, admin: KubeClient, rollouts: list[Rollout], routes: Routes, standin: StandIn) -> None:
        """Every rollout gets its traffic."""
        self.admin, self.rollouts, self.routes, self.standin = admin, rollouts, routes, standin
        self.gateway = Gateway(standin, SCRAPE_SECONDS)
        self.pairs: dict[Place, Pair] = {
            place_of(each): self.gateway.pair(each.namespace, each.stable, each.canary) for each in rollouts
        }
        self._breaking: list[Place] = []
        self._broken: asyncio.Future[float] | None = None

    async def scrape(self) -> None:
        """Scrape until cancelled."""
        while True:
            now = time.time()
            await asyncio.sleep((SCRAPE_AT - now) % SCRAPE_SECONDS or SCRAPE_SECONDS)
            for place in self._breaking:
                self.pairs[place].canary.bad_share = 1.0
            at = time.time()
            self.gateway.scrape(at)
            if self._broken is not None and self._breaking:
                self._breaking = []
                self._broken.set_result(at)

    async def break_(self, found: list[Rollout]) -> list[float]:
        """Every request to these canaries fails from now on; seconds until each has weight 0, sorted."""
        self._broken = asyncio.get_running_loop().create_future()
        self._breaking = [place_of(each) for each in found]
        wanted = set(self._breaking)
        scraped = await self._broken
        await self.routes.until(lambda: wanted <= self.routes.zero.keys(), GONE_SECONDS)
        asked = self._poll_with(scraped)
        await asyncio.gather(*(take_route(self.admin, self.routes.changed.pop(place)) for place in wanted))
        return sorted(self.routes.zero[place] - asked for place in wanted)

    def _poll_with(self, scraped: float) -> float:
        """When the first poll that carries the samples of `scraped` reached Prometheus."""
        return next(
            each.arrived for each in self.standin.asked if each.at >= scraped and "httproute" not in each.promql
        )


def place_of(each: Rollout) -> Place:
    """Where its route is."""
    return each.namespace, each.name


async def play(size: Size, folder: Path, seed: int) -> Row:
    """The row of one size."""
    played = await template({"maxDurationSeconds": 86400})
    with installation(folder) as kubectl:
        admin = await KubeClient.connect(kubeconfig=str(kubectl.kubeconfig))
        try:
            return await _play(size, folder, seed, kubectl, admin, played)
        finally:
            await admin.close()


async def _play(size: Size, folder: Path, seed: int, kubectl: Kubectl, admin: KubeClient, played: Template) -> Row:
    rollouts = places(size.total, played)
    for namespace in sorted({each.namespace for each in rollouts}):
        kubectl("create", "namespace", namespace)
    routes = Routes(await admin.credentials(), {place_of(each): each.canary for each in rollouts})
    stage = Stage(admin, rollouts, routes, StandIn())
    runner, url = await stage.standin.start()
    try:
        async with _in_background(stage.scrape(), routes.run()):
            begun = time.monotonic()
            await Seeder(admin, played).all(rollouts)
            seeded = time.monotonic() - begun
            account = kubectl.kubeconfig_of("perennial-system", "perennial-operator", folder)
            return {"seed_seconds": round(seeded, 1)} | await _measure(size, stage, account, folder, url, seed)
    finally:
        await runner.cleanup()


async def _measure(size: Size, stage: Stage, account: Path, folder: Path, url: str, seed: int) -> Row:
    settings = {"prometheus_url": url, "trainer_image": SETTINGS.trainer_image, "gateway_job": "perennial-gateway"}
    process = OperatorProcess(account, folder / "operator.log", "operator-0", settings)
    try:
        begun = time.monotonic()
        await _under_way(process, size.total)
        started = time.monotonic() - begun
        first = await asyncio.to_thread(usage, process, process.pid)
        await asyncio.sleep(size.steady_seconds)
        steady = await asyncio.to_thread(usage, process, process.pid)
        single = await _single(size, stage, seed)
        before = await asyncio.to_thread(usage, process, process.pid)
        together = await stage.break_([each for each in stage.rollouts if place_of(each) not in stage.routes.zero])
        after = await asyncio.to_thread(usage, process, process.pid)
        return _row(size, started, single, together, (first, steady, before, after))
    finally:
        process.end()


async def _under_way(process: OperatorProcess, total: int) -> None:
    """Until every rollout has been judged once and nothing waits."""
    async with asyncio.timeout(UNDER_WAY_SECONDS):
        while True:
            judged = await asyncio.to_thread(samples, process, "perennial_rollout_weight_percent")
            depth = await asyncio.to_thread(samples, process, "perennial_queue_depth")
            if len(judged) == total and not depth[""]:
                return
            await asyncio.sleep(2)


async def _single(size: Size, stage: Stage, seed: int) -> list[float]:
    """One after the other, each at the first scrape after the last one's end."""
    chosen = random.Random(seed).sample(stage.rollouts, size.single)  # noqa: S311
    return sorted([(await stage.break_([each]))[0] for each in chosen])


def _row(size: Size, started: float, single: list[float], together: list[float], at: tuple[Usage, ...]) -> Row:
    first, steady, before, after = at
    return {
        "rollouts": size.rollouts,
        "single_samples": len(single),
        "single_p50_s": round(quantile(single, 0.5), 3),
        "single_p99_s": round(quantile(single, 0.99), 3),
        "single_max_s": round(single[-1], 3),
        "all_p50_s": round(quantile(together, 0.5), 3),
        "all_p99_s": round(quantile(together, 0.99), 3),
        "all_max_s": round(together[-1], 3),
        "start_seconds": round(started, 1),
        "cpu_share": round((steady.cpu - first.cpu) / (steady.at - first.at), 4),
        "rss_mb": round(steady.rss, 1),
        "peak_mb": round(after.peak, 1),
        **per_pass(first, steady),
        "calls_per_minute": per_minute(first, steady),
        "calls_of_all_rollbacks": {
            f"{verb} {plural}": count for (verb, plural), count in sorted((after.calls - before.calls).items())
        },
    }


def quantile(values: list[float], q: float) -> float:
    """The smallest of the sorted `values` that at least the share `q` of them do not exceed."""
    return values[min(len(values) - 1, max(0, -int(-q * len(values) // 1) - 1))]


@asynccontextmanager
async def _in_background(*loops: Any) -> AsyncIterator[None]:
    tasks = [asyncio.ensure_future(loop) for loop in loops]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        for task in tasks:
            error = None if task.cancelled() else task.exception()
            if error is not None:
                raise error
