"""Our own endpoint, on every replica: /healthz, /readyz, /metrics; and /rollouts, which the one that leads answers."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web

from perennial.core.live import Board
from perennial.core.metrics import Metrics

Handler = Callable[[web.Request], Awaitable[web.Response]]


@asynccontextmanager
async def serving(metrics: Metrics, port: int, ready: Callable[[], bool], board: Board) -> AsyncIterator[int]:
    """Serve on `port` (0: any free one) of all addresses while inside; yields the port.

    An answer to /healthz shows that the event loop turns, which is what liveness is about: one that hangs is killed,
    and a lease that is lost ends the process by itself. /readyz says whether this replica leads or could take over.
    /rollouts/NAMESPACE/NAME gives what is known of one rollout's evidence: 404 for one that is not followed, 503 from a
    replica that does not lead.
    """
    app = web.Application()
    app.router.add_get("/healthz", _healthz)
    app.router.add_get("/readyz", _readyz(ready))
    app.router.add_get("/metrics", _metrics(metrics))
    app.router.add_get("/rollouts/{namespace}/{name}", _rollout(board))
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


def _rollout(board: Board) -> Handler:
    async def answer(request: web.Request) -> web.Response:
        if not board.leads:
            return web.json_response({"message": "this replica does not lead"}, status=503)
        namespace, name = request.match_info["namespace"], request.match_info["name"]
        found = board.read(namespace, name)
        if found is None:
            return web.json_response({"message": f"no rollout of {namespace}/{name} is followed"}, status=404)
        return web.json_response(found)

    return answer
