"""Stop without losing a request.

When a pod stops, the gateway learns of it only after the kubelet has sent SIGTERM. So after the signal the server goes
on accepting for some seconds, says that it is not ready, and closes each connection with its next answer, so that no
request can arrive on a connection in the moment in which it is closed. Only then does it stop listening.
"""

import asyncio
import signal
from types import FrameType

import uvicorn
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Drain:
    """Whether the server is on its way out; `started` is set by the first signal."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.started = False


class DrainingServer(uvicorn.Server):
    """uvicorn's server, which leaves only some seconds after the signal."""

    def __init__(self, config: uvicorn.Config, drain: Drain) -> None:
        super().__init__(config)
        self._drain = drain
        self._deadline: float | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """SIGTERM starts the drain; a second one, or SIGINT, ends the server at once."""
        if sig == signal.SIGTERM and not self._drain.started:
            self._drain.started = True
            return
        super().handle_exit(sig, frame)

    async def on_tick(self, counter: int) -> bool:
        """Asked every 0.1 s whether to stop."""
        if self._drain.started:
            now = asyncio.get_running_loop().time()
            self._deadline = self._deadline or now + self._drain.seconds
            self.should_exit = self.should_exit or now >= self._deadline
        return await super().on_tick(counter)


class ResponseHeaders:
    """ASGI middleware: names the server on every answer, and closes connections while draining."""

    def __init__(self, app: ASGIApp, *, served_by: str, drain: Drain) -> None:
        self._app = app
        self._served_by = served_by
        self._drain = drain

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Add the headers as the response starts."""

        async def add(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["x-perennial-served-by"] = self._served_by
                if self._drain.started:
                    headers["connection"] = "close"
            await send(message)

        await self._app(scope, receive, add if scope["type"] == "http" else send)
