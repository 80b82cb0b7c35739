"""What the proxy does to watches: pass them on, keep events back, fall silent, or say that the version is too old."""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.faults.calls import Call

GONE = {
    "type": "ERROR",
    "object": {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": "too old resource version: 1 (2)",
        "reason": "Expired",
        "code": 410,
    },
}


@dataclass
class Stream:
    """`withheld` kinds get no events; `gone` kinds are told 410 once more for each count; `rewound` ones ask
    for a past that the apiserver has forgotten; `opened` counts watches."""

    withheld: set[str] = field(default_factory=set)
    gone: Counter[str] = field(default_factory=Counter)
    opened: Counter[str] = field(default_factory=Counter)
    kept_back: Counter[str] = field(default_factory=Counter)
    told_gone: Counter[str] = field(default_factory=Counter)
    rewound: Counter[str] = field(default_factory=Counter)
    asked_for_the_past: Counter[str] = field(default_factory=Counter)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def expire(self, *kinds: str) -> None:
        """Tell every open watch of these kinds 410 now."""
        for kind in kinds:
            self.gone[kind] += 1
        self.changed.set()

    def rewind(self, call: Call, path: str) -> str:
        """A path that asks for a version of long ago, if the kind is to be rewound: the apiserver itself says 410."""
        kind = call.kind.kind if call.kind else ""
        if self.rewound[kind] <= 0 or "resourceVersion=" not in path:
            return path
        self.rewound[kind] -= 1
        self.asked_for_the_past[kind] += 1
        return re.sub(r"resourceVersion=\d+", "resourceVersion=1", path)

    async def relay(self, request: web.BaseRequest, call: Call, opening: Any) -> web.StreamResponse:
        """Pass the events on, line by line."""
        kind = call.kind.kind if call.kind else ""
        self.opened[kind] += 1
        async with opening as answer:
            relayed = web.StreamResponse(status=answer.status, headers={"Content-Type": answer.content_type})
            await relayed.prepare(request)
            passing = asyncio.ensure_future(self._pass(relayed, kind, answer.content))
            try:
                await self._until_gone(relayed, kind, passing)
            except ConnectionResetError:
                return relayed  # whoever asked is no more
            finally:
                passing.cancel()
        return relayed

    async def _pass(self, relayed: web.StreamResponse, kind: str, lines: Any) -> None:
        # A line may be longer than the stream's own limit for one.
        rest = b""
        async for chunk in lines.iter_any():
            *whole, rest = (rest + chunk).split(b"\n")
            for line in whole:
                if kind in self.withheld:
                    self.kept_back[kind] += 1
                else:
                    await relayed.write(line + b"\n")

    async def _until_gone(self, relayed: web.StreamResponse, kind: str, passing: asyncio.Future[None]) -> None:
        while not passing.done():
            waiting = asyncio.ensure_future(self.changed.wait())
            await asyncio.wait({waiting, passing}, return_when=asyncio.FIRST_COMPLETED)
            waiting.cancel()
            if self.gone[kind] > 0:
                self.gone[kind] -= 1
                self.told_gone[kind] += 1
                await relayed.write(json.dumps(GONE).encode() + b"\n")
                return
            if self.changed.is_set():
                self.changed.clear()
        if not passing.cancelled() and (error := passing.exception()) is not None:
            raise error
