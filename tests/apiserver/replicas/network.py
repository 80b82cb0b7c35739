"""The network between one replica and the apiserver: it may keep a write for a while, or end altogether."""

from __future__ import annotations

import asyncio
import base64
import ssl
import threading
from typing import Any

import aiohttp
import yaml
from aiohttp import web

from tests.apiserver.support import Kubectl

HOP_BY_HOP = {"connection", "content-length", "transfer-encoding", "host", "content-encoding"}


class Network:
    """A plain HTTP address that forwards to the apiserver, in a thread; enter it.

    Attributes:
        kept: verb and path of each write that is held back now, in order.
        delivered: the statuses that the apiserver gave to those, once they were let go.
    """

    def __init__(self, kubectl: Kubectl) -> None:
        cluster = yaml.safe_load(kubectl.kubeconfig.read_text())["clusters"][0]["cluster"]
        self._target = cluster["server"]
        authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
        self._context = ssl.create_default_context(cadata=authority)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._keeping, self._dead = "", False
        self.kept: list[str] = []
        self.delivered: list[int] = []

    def __enter__(self) -> Network:
        self._thread.start()
        self._do(self._start())
        return self

    def __exit__(self, *_: object) -> None:
        self._do(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def url(self) -> str:
        """Where the replica finds the apiserver."""
        return f"http://127.0.0.1:{self._port}"

    def keep_writes(self, plural: str) -> None:
        """From now on writes to objects of this kind do not arrive, until `let_go`; all else does."""
        self._keeping = plural

    def let_go(self) -> None:
        """What was kept arrives, whether or not its sender still waits."""
        self._keeping = ""
        self._loop.call_soon_threadsafe(self._go.set)

    def cut(self) -> None:
        """Nothing arrives any more, and nothing comes back; who asks waits."""
        self._dead = True

    def _do(self, work: Any) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    async def _start(self) -> None:
        self._go = asyncio.Event()
        connector = aiohttp.TCPConnector(ssl=self._context, limit=0)
        self._session = aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=None))
        app = web.Application(client_max_size=2**24)
        app.router.add_route("*", "/{path:.*}", self._forward)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self._port = self._runner.addresses[0][1]

    async def _stop(self) -> None:
        await self._session.close()
        await self._runner.cleanup()

    async def _forward(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        kept = self._keeping and request.method != "GET" and f"/{self._keeping}/" in request.path
        if kept:
            self.kept.append(f"{request.method} {request.path}")
            await self._go.wait()
        await self._pass()
        headers = {name: value for name, value in request.headers.items() if name.lower() not in HOP_BY_HOP}
        sent = self._session.request(
            request.method, self._target + request.raw_path, data=body or None, headers=headers
        )
        async with sent as answer:
            if kept:
                self.delivered.append(answer.status)
            return await self._back(request, answer)

    async def _back(self, request: web.Request, answer: aiohttp.ClientResponse) -> web.StreamResponse:
        headers = {name: value for name, value in answer.headers.items() if name.lower() not in HOP_BY_HOP}
        response = web.StreamResponse(status=answer.status, headers=headers)
        await response.prepare(request)
        async for chunk in answer.content.iter_any():
            await self._pass()
            await response.write(chunk)
        await response.write_eof()
        return response

    async def _pass(self) -> None:
        if self._dead:
            await asyncio.Event().wait()
