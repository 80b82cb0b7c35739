"""A proxy between the operator and the apiserver that records every write with its effect, and makes faults.

It listens on 127.0.0.1 without TLS; the operator's token is passed on. Paths begin with who asks: `/operator-N` for the
operator's N-th process, `/others` for everybody else, who are forwarded as the admin and never disturbed.
"""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
import tempfile
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Self

import aiohttp
import yaml
import yarl
from aiohttp import web

from tests.faults.calls import OPERATOR, OTHERS, Call, parse
from tests.faults.faults import Act, Answer, Crash, Fault, Hold, Passive
from tests.faults.mirror import Mirror, Moment
from tests.faults.streams import Stream

_PASSED = ("Accept", "Content-Type", "Authorization", "User-Agent")


class Proxy:
    """One lane's way to the apiserver. `fault` may be changed at any moment; `crashed` is set when a Crash acted."""

    def __init__(self, admin: Path, mirror: Mirror) -> None:
        self.mirror = mirror
        self.fault: Fault = Passive()
        self.stream = Stream()
        self.crashed = asyncio.Event()
        self.living = 0
        self.alive = {0}
        self.port = 0
        self._admin = admin
        self._server, self._tls = _upstream(admin)
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        self._session = await self._stack.enter_async_context(_session(self._tls[OPERATOR]))
        self._others = await self._stack.enter_async_context(_session(self._tls[OTHERS]))
        runner = web.ServerRunner(web.Server(self._handle, access_log=None), shutdown_timeout=0.1)
        await runner.setup()
        self._stack.push_async_callback(runner.cleanup)
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.port = runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    def kubeconfig(self, who: str, source: Path, path: Path) -> Path:
        """A kubeconfig at `path` with the users of `source` that leads through this proxy as `who`."""
        config = yaml.safe_load(source.read_text())
        server = f"http://127.0.0.1:{self.port}/{who}"
        config["clusters"] = [{**each, "cluster": {"server": server}} for each in config["clusters"]]
        if who == OTHERS:
            config["users"] = [{"name": each["name"], "user": {}} for each in config["users"]]
        path.write_text(yaml.safe_dump(config))
        return path

    def kill(self) -> None:
        """Nothing that the operator's present process still sends is heard; the next one is."""
        self.living += 1
        self.alive = {self.living}
        self.crashed.clear()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        prefix, _, rest = request.path.removeprefix("/").partition("/")
        who, _, number = prefix.partition("-")
        data = await request.read()
        call = parse(who, int(number or 0), request.method, f"/{rest}", request.query, data)
        if not call.by_operator:
            return await self._forward(request, data, call, self._others)
        if call.incarnation not in self.alive or self.crashed.is_set():
            return self._cut(request)
        act = self.fault.before(call, self.mirror)
        if act is not None:
            self.mirror.mark(len(self.mirror.moments), f"before this: {self.fault.name}")
            if isinstance(act, Hold):
                await _given_up(request)
            return self._do(request, act)
        if call.verb == "watch":
            path = self.stream.rewind(call, request.raw_path)
            return await self.stream.relay(request, call, self._open(request, data, self._session, path))
        return await self._forward(request, data, call, self._session)

    async def _forward(
        self, request: web.BaseRequest, data: bytes, call: Call, session: aiohttp.ClientSession
    ) -> web.StreamResponse:
        async with self._open(request, data, session) as answer:
            body = await answer.read()
            status, kind = answer.status, answer.content_type
        headers = {"Content-Type": kind}
        moment = self._record(call, status, body)
        act = self.fault.after(call, moment, self.mirror) if call.by_operator else None
        if act is not None:
            self.mirror.mark(len(self.mirror.moments) - 1, f"after this: {self.fault.name}")
            return self._do(request, act)
        if call.by_operator and call.kind is not None and not call.writes and status in (200, 404):
            changed = self.fault.read(call, json.loads(body), self.mirror)
            status, body = int(changed.get("code", 200)), json.dumps(changed).encode()
        return web.Response(status=status, body=body, headers=headers)

    def _open(
        self, request: web.BaseRequest, data: bytes, session: aiohttp.ClientSession, raw: str | None = None
    ) -> Any:
        path = (raw or request.raw_path).removeprefix("/").partition("/")[2]
        headers = {name: request.headers[name] for name in _PASSED if name in request.headers}
        url = yarl.URL(f"{self._server}/{path}", encoded=True)
        # Without a body no type is made up for it.
        return session.request(
            request.method, url, headers=headers, data=data or None, skip_auto_headers=("Content-Type", "User-Agent")
        )

    def _record(self, call: Call, status: int, body: bytes) -> Moment | None:
        if not call.writes or status >= 300 or call.kind is None or call.namespace != self.mirror.namespace:
            return None
        return self.mirror.record(call, json.loads(body))

    def _do(self, request: web.BaseRequest, act: Act) -> web.StreamResponse:
        if isinstance(act, Answer):
            return web.json_response(act.body(), status=act.status, headers=dict(act.headers))
        if isinstance(act, Crash):
            self.crashed.set()
        return self._cut(request)

    def _cut(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.transport is not None:
            request.transport.abort()
        return web.Response()


async def _given_up(request: web.BaseRequest) -> None:
    while request.transport is not None and not request.transport.is_closing():  # noqa: ASYNC110  it tells no event
        await asyncio.sleep(0.01)


def _session(tls: ssl.SSLContext) -> aiohttp.ClientSession:
    connector = aiohttp.TCPConnector(ssl=tls, limit=0)
    return aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=None), trust_env=False)


def _upstream(admin: Path) -> tuple[str, Mapping[str, ssl.SSLContext]]:
    """The apiserver's address, and TLS to it without and with the admin's certificate."""
    config = yaml.safe_load(admin.read_text())
    cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
    return cluster["server"], {OPERATOR: _tls(cluster), OTHERS: _tls(cluster, user)}


def _tls(cluster: Mapping[str, str], user: Mapping[str, str] | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=base64.b64decode(cluster["certificate-authority-data"]).decode())
    if user is not None:
        with tempfile.NamedTemporaryFile() as pair:
            for part in ("client-certificate-data", "client-key-data"):
                pair.write(base64.b64decode(user[part]))
            pair.flush()
            context.load_cert_chain(pair.name)
    return context
