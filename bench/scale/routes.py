"""When each route's canary got weight 0: a watch of all HTTPRoutes, read as the apiserver sends it."""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp

from perennial.controllers.modeldeployment.route import read
from perennial.ports.kinds import HTTP_ROUTE
from perennial.ports.kube import Credentials, Object

Place = tuple[str, str]
"""Namespace and name."""


class Routes:
    """`zero` has when (monotonic seconds) the canary of each route was first seen at weight 0."""

    def __init__(self, credentials: Credentials, canaries: dict[Place, str]) -> None:
        """`canaries`: the InferenceService of each route's canary."""
        self._credentials, self._canaries = credentials, canaries
        self.zero: dict[Place, float] = {}
        self.changed: dict[Place, Object] = {}
        self._event = asyncio.Event()
        self.watching = asyncio.Event()

    async def run(self) -> None:
        """Watch until cancelled; a watch that ends is begun anew."""
        address = f"{self._credentials.server}{HTTP_ROUTE.path(None)}"
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=self._tls())) as session:
            async with session.get(address) as answer:
                version = (await answer.json())["metadata"]["resourceVersion"]
            while True:
                query = {"watch": "1", "resourceVersion": version, "timeoutSeconds": "3600"}
                async with session.get(address, params=query, timeout=aiohttp.ClientTimeout(None)) as answer:
                    self.watching.set()
                    version = await self._events(answer, version)

    async def _events(self, answer: aiohttp.ClientResponse, version: str) -> str:
        rest = b""
        async for chunk in answer.content.iter_any():
            *lines, rest = (rest + chunk).split(b"\n")
            for line in filter(None, lines):
                obj = json.loads(line)["object"]
                version = obj["metadata"].get("resourceVersion", version)
                self._saw(obj)
        return version

    def _saw(self, obj: Object) -> None:
        place = (obj["metadata"]["namespace"], obj["metadata"]["name"])
        canary = self._canaries.get(place)
        if canary and place not in self.zero and read(obj).weights.get(canary) == 0:
            self.zero[place] = time.monotonic()
            self.changed[place] = obj
            self._event.set()

    async def until(self, reached: Callable[[], bool], seconds: float) -> None:
        """Until `reached`, which is asked after each route. Raises TimeoutError."""
        async with asyncio.timeout(seconds):
            while not reached():
                self._event.clear()
                await self._event.wait()

    def _tls(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=self._credentials.ca_path)
        certificate: Any = self._credentials.certificate_path
        context.load_cert_chain(Path(certificate), self._credentials.key_path)
        return context
