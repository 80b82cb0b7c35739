"""The watches. All of kopf is here.

Kopf is the informer only: `@kopf.on.event` and nothing else, so it never writes. It runs in a thread with an event
loop of its own, for two reasons: when it stops it cancels every task of its loop that it does not know, and its work
must never delay the renewal of the lease. It is started anew when the set of served kinds changes: kopf itself either
needs the right to read all CustomResourceDefinitions, or never notices one that is installed later.
"""

import asyncio
import logging
import threading
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import kopf

from perennial.core.metrics import Metrics
from perennial.core.settings import Settings
from perennial.core.watches import Watch
from perennial.ports.kinds import Kind
from perennial.ports.kube import Credentials, KubeError, Object

STOP_SECONDS = 5.0
WATCH_SECONDS = 300
RETRY_SECONDS = (0.5, 1, 2, 2)

log = logging.getLogger(__name__)
# It warns that it does not handle signals outside of the main thread, which is what we want of it.
logging.getLogger("kopf._core.reactor.running").setLevel(logging.ERROR)

Sink = Callable[[Watch, str | None, Object], None]


class Discovery(Protocol):
    """What the watches need of the apiserver besides kopf's own requests."""

    async def served(self, group_version: Kind) -> frozenset[str]: ...

    async def credentials(self) -> Credentials: ...


class Controller:
    """Keeps a watch on every kind of `watches` that the cluster serves; `sink` gets each event in this loop."""

    def __init__(
        self, kube: Discovery, settings: Settings, watches: Sequence[Watch], sink: Sink, metrics: Metrics
    ) -> None:
        self._kube = kube
        self._settings = settings
        self._watches = watches
        self._sink = sink
        self._metrics = metrics

    async def run(self) -> None:
        """Watch until cancelled. A watch that fails is started anew, which lists everything again."""
        before: frozenset[Kind] | None = None
        while True:
            served = await self._discover()
            self._report(served, before)
            before = served
            informer = _Informer(self._kube, self._settings, [w for w in self._watches if w.kind in served], self._sink)
            try:
                await self._until_changed(served, informer)
            finally:
                await informer.stop()

    async def _until_changed(self, served: frozenset[Kind], informer: "_Informer") -> None:
        ended = informer.start()
        while True:
            await asyncio.wait({ended}, timeout=self._settings.discovery_seconds)
            if ended.done():
                log.error("the watches ended, starting them anew: %s", ended.exception() or "no reason given")
                await asyncio.sleep(self._settings.retry_seconds)
                return
            if await self._discover() != served:
                return

    async def _discover(self) -> frozenset[Kind]:
        """The watched kinds that are served now. Waits for an apiserver that does not answer."""
        while True:
            try:
                by_group = {kind.prefix: await self._kube.served(kind) for kind in self._representatives()}
            except KubeError as error:
                log.warning("the served kinds cannot be looked up: %s", error)
                await asyncio.sleep(self._settings.retry_seconds)
                continue
            return frozenset(w.kind for w in self._watches if w.kind.plural in by_group[w.kind.prefix])

    def _representatives(self) -> list[Kind]:
        return list({watch.kind.prefix: watch.kind for watch in self._watches}.values())

    def _report(self, served: frozenset[Kind], before: frozenset[Kind] | None) -> None:
        for kind in (watch.kind for watch in self._watches):
            self._metrics.served(kind.kind, kind in served)
            if kind not in served and (before is None or kind in before):
                log.warning("%s.%s is not installed; its watch starts when it is", kind.plural, kind.group)
            elif kind in served and before is not None and kind not in before:
                log.info("%s.%s is installed now", kind.plural, kind.group)


class _Informer:
    """One life of kopf in a thread of its own."""

    def __init__(self, kube: Discovery, settings: Settings, watches: Sequence[Watch], sink: Sink) -> None:
        self._kube = kube
        self._settings = settings
        self._watches = watches
        self._sink = sink
        self._loop = asyncio.get_running_loop()
        self._ended: asyncio.Future[None] = self._loop.create_future()
        self._error: BaseException | None = None
        self._stop: Callable[[], None] = lambda: None
        self._stopped = threading.Event()
        self._lock = threading.Lock()

    def start(self) -> "asyncio.Future[None]":
        """Start it; the future ends with the thread, with its error if it had one."""
        threading.Thread(target=self._thread, name="kopf", daemon=True).start()
        return self._ended

    async def stop(self) -> None:
        """Stop it and wait a little; a thread that takes longer does no harm, its events go nowhere."""
        with self._lock:
            self._stopped.set()
            self._stop()
        _, late = await asyncio.wait({self._ended}, timeout=STOP_SECONDS)
        if late:
            log.warning("the old watches take long to stop")
        elif not self._ended.cancelled():
            self._ended.exception()  # retrieved, so that asyncio does not complain of it

    def _thread(self) -> None:
        try:
            asyncio.run(self._kopf())
        except BaseException as error:  # noqa: BLE001  whatever it is, the controller has to know
            self._error = self._error or error
        self._call(self._finish)

    def _finish(self) -> None:
        if self._error is None:
            self._ended.set_result(None)
        else:
            self._ended.set_exception(RuntimeError(f"{type(self._error).__name__}: {self._error}"))

    async def _kopf(self) -> None:
        loop, flag = asyncio.get_running_loop(), asyncio.Event()
        with self._lock:
            if self._stopped.is_set():
                return
            self._stop = lambda: _in_loop(loop, flag.set)
        try:
            await kopf.operator(
                registry=self._registry(),
                settings=self._kopf_settings(),
                standalone=True,
                clusterwide=not self._settings.namespaces,
                namespaces=list(self._settings.namespaces),
                stop_flag=flag,
            )
        finally:
            with self._lock:
                self._stop = lambda: None

    def _registry(self) -> kopf.OperatorRegistry:
        registry = kopf.OperatorRegistry()
        # Kopf would wait a minute before it tries again what fails here; the controller is faster.
        kopf.on.login(registry=registry, id="login", errors=kopf.ErrorsMode.PERMANENT)(self._login)
        for watch in self._watches:
            kind = watch.kind
            handler = self._handler(watch)
            kopf.on.event(kind.group, kind.version, kind.plural, registry=registry, id=kind.kind)(handler)
        return registry

    def _handler(self, watch: Watch) -> Callable[..., Any]:
        async def handle(event: Any, **_: Any) -> None:
            if not self._stopped.is_set():
                self._call(self._sink, watch, event["type"], dict(event["object"]))

        return handle

    def _login(self, **_: Any) -> kopf.ConnectionInfo:
        """The same user at the same address as the client's; kopf asks again when a token was refused."""
        waiting = asyncio.run_coroutine_threadsafe(self._kube.credentials(), self._loop)
        try:
            found = waiting.result(timeout=10)
        except Exception as error:
            # Without credentials kopf would neither work nor end.
            self._error = error
            self._stop()
            raise
        return _connection(found)

    def _kopf_settings(self) -> kopf.OperatorSettings:
        settings = kopf.OperatorSettings()
        settings.posting.enabled = False
        settings.scanning.disabled = True
        settings.process.ultimate_exiting_timeout = None
        settings.networking.request_timeout = 30
        settings.networking.error_backoffs = RETRY_SECONDS  # and then it ends, and is started anew
        settings.watching.server_timeout = WATCH_SECONDS
        settings.watching.connect_timeout = 10
        settings.queueing.exit_timeout = 0.5
        for watch in self._watches:
            if watch.selector is not None:
                kind = watch.kind
                settings.watching.label_selectors[kind.group, kind.version, kind.plural] = watch.selector
        return settings

    def _call(self, function: Callable[..., None], *args: object) -> None:
        _in_loop(self._loop, function, *args)


def _in_loop(loop: asyncio.AbstractEventLoop, function: Callable[..., object], *args: object) -> None:
    try:
        loop.call_soon_threadsafe(function, *args)
    except RuntimeError:
        log.debug("an event came after the end of its loop")


def _connection(found: Credentials) -> kopf.ConnectionInfo:
    return kopf.ConnectionInfo(
        server=found.server,
        ca_path=found.ca_path,
        insecure=not found.verify,
        certificate_path=found.certificate_path,
        private_key_path=found.key_path,
        scheme="Bearer" if found.token else None,
        token=found.token,
    )
