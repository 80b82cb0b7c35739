"""Our own endpoint, on every replica: /healthz, /readyz, /metrics."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web

from perennial.core.metrics import Metrics

Handler = Callable[[web.Request], Awaitable[web.Response]]


@asynccontextmanager
async def serving(metrics: Metrics, port: int, ready: Callable[[], bool]) -> AsyncIterator[int]:
    """Serve on `port` (0: any free one) of all addresses while inside; yields the port.

    An answer to /healthz shows that the event loop turns, which is what liveness is about: one that hangs is killed,
    and a lease that is lost ends the process by itself. /readyz says whether this replica leads or could take over.
    """
    app = web.Application()
    app.router.add_get("/healthz", _healthz)
    app.router.add_get("/readyz", _readyz(ready))
    app.router.add_get("/metrics", _metrics(metrics))
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "0.0.0.0", port, shutdown_timeout=1.0)  # noqa: S104  Prometheus is elsewhere
        await site.start()
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()


async def _healthz(_: web.Request) -> web.Response:
    return web.Response(text="ok")


def _readyz(ready: Callable[[], bool]) -> Handler:
    async def answer(_: web.Request) -> web.Response:
        if ready():
            return web.Response(text="ok")
        return web.Response(status=503, text="the apiserver does not answer")

    return answer


def _metrics(metrics: Metrics) -> Handler:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=metrics.render(), headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})

    return answer
