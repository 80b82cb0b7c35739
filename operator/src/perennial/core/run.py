"""The operator's life: serve the endpoint, wait for the lease, work while it is held, give it back."""

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from uuid import uuid4

from perennial.core.clock import SystemClock
from perennial.core.controller import Controller
from perennial.core.enqueue import Enqueuer
from perennial.core.events import EventRecorder
from perennial.core.leader import Leader, LeaseLost
from perennial.core.live import Board
from perennial.core.metrics import Metrics
from perennial.core.queue import WorkQueue
from perennial.core.reconciling import Workers
from perennial.core.server import serving
from perennial.core.services import Builder, Services
from perennial.core.settings import Settings
from perennial.core.watches import WATCHES
from perennial.ports.kube import KubeClient

STOPPED, FAILED = 0, 1
"""Exit codes: asked to stop; the lease was lost or a part broke, so that Kubernetes starts the process anew."""

FINISH_SECONDS = 5.0
"""For the passes under way when the process is asked to stop; what is not done by then is cut off."""

log = logging.getLogger(__name__)

Loop = Callable[[], Awaitable[None]]


async def run(settings: Settings, build: Builder) -> int:
    """Run until SIGTERM or SIGINT, or until the lease is lost; return the exit code."""
    stop = _stop_on_signals()
    metrics, clock, board = Metrics(), SystemClock(), Board()
    async with _connected(metrics) as kube:
        # A restarted container has its predecessor's pod name, so the identity must be the process's own.
        leader = Leader(kube, clock, settings, f"{settings.pod_name}_{uuid4()}")
        async with serving(metrics, settings.metrics_port, lambda: leader.reachable, board) as port:
            log.info("serving /healthz, /readyz, /metrics and /rollouts on port %d", port)
            if not await _unless(stop, leader.acquire()):
                return STOPPED
            metrics.leading(True)
            try:
                return await _lead(settings, build, kube, leader, metrics, board, stop)
            finally:
                metrics.leading(False)
                board.answer = None


async def _lead(
    settings: Settings,
    build: Builder,
    kube: KubeClient,
    leader: Leader,
    metrics: Metrics,
    board: Board,
    stop: asyncio.Event,
) -> int:
    clock = SystemClock()
    queue = WorkQueue(clock)
    metrics.follow_queue(queue)
    gated = kube.gated(leader)
    events = EventRecorder(gated, clock, settings.pod_name)
    program = build(Services(gated, clock, settings, events, metrics, queue.add, queue.depth))
    board.answer = program.rollouts
    workers = Workers(queue, {r.kind.kind: r for r in program.reconcilers}, metrics, settings.workers)
    enqueuer = Enqueuer(queue, metrics, settings.resync_seconds, program.told)
    controller = Controller(kube, settings, WATCHES, enqueuer.event, metrics)
    loops: list[Loop] = [leader.hold, workers.run, controller.run, enqueuer.relist, enqueuer.resync, *program.loops]
    try:
        return await _until_stopped(stop, loops, workers.finish)
    finally:
        if workers.cut:
            log.warning("a pass was cut off: the lease is left to expire, because a write may be on its way")
        else:
            await leader.release()


async def _until_stopped(stop: asyncio.Event, loops: Sequence[Loop], finish: Loop) -> int:
    """Run all loops until `stop`, and then `finish`; or until one of them ends, which none should."""
    tasks = [asyncio.ensure_future(loop()) for loop in loops]
    stopping = asyncio.ensure_future(stop.wait())
    try:
        done, _ = await asyncio.wait([stopping, *tasks], return_when=asyncio.FIRST_COMPLETED)
        if stopping in done:
            # The lease goes on being renewed meanwhile.
            await asyncio.wait([asyncio.ensure_future(finish())], timeout=FINISH_SECONDS)
    finally:
        # In the order of the list: the workers before the watches, whose thread takes a moment to stop.
        for task in [stopping, *tasks]:
            task.cancel()
        await asyncio.wait([stopping, *tasks], timeout=5)
    if stopping in done:
        log.info("asked to stop")
        return STOPPED
    for task in done:
        error = None if task.cancelled() else task.exception()
        if isinstance(error, LeaseLost):
            log.error("the lease is lost, the process ends: %s", error)
        else:
            log.error("a part of the operator ended, the process ends", exc_info=error)
    return FAILED


async def _unless(stop: asyncio.Event, work: Awaitable[None]) -> bool:
    """Await `work`, unless `stop` comes first; say whether it was done."""
    working, stopping = asyncio.ensure_future(work), asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            working.result()
            return True
        return False
    finally:
        stopping.cancel()
        working.cancel()


def _stop_on_signals() -> asyncio.Event:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


@asynccontextmanager
async def _connected(metrics: Metrics) -> AsyncIterator[KubeClient]:
    kube = await KubeClient.connect(metrics.api_called)
    try:
        yield kube
    finally:
        await kube.close()
