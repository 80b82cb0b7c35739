"""Gateways as they are read for all ModelDeployments behind them: live, and then shared for a moment.

A Gateway is nobody's child: a thousand deployments behind one would read the same two objects in every pass. What a
pass is told is at most SHARED_SECONDS old and never older than the last event of a Gateway, which looks at every
deployment anew anyway.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import replace

from perennial.controllers.modeldeployment.gateway import GatewayView
from perennial.core.clock import Clock
from perennial.ports.kinds import GATEWAY, SERVICE, Kind
from perennial.ports.kube import Kube, NotInstalled

OWNING_GATEWAY = "gateway.envoyproxy.io/owning-gateway-name"
OWNING_GATEWAY_NAMESPACE = "gateway.envoyproxy.io/owning-gateway-namespace"
NOT_INSTALLED = GatewayView(installed=False, gateway=None, service=None)
SHARED_SECONDS = 5.0

Place = tuple[str, str]


class Gateways:
    """Reads Gateways and their Services. Use from one event loop; `seconds` of 0 shares nothing."""

    def __init__(self, kube: Kube, clock: Clock, seconds: float = SHARED_SECONDS) -> None:
        self._kube, self._clock, self._seconds = kube, clock, seconds
        self._views: dict[Place, tuple[float, GatewayView]] = {}
        self._reading: defaultdict[Place, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._events = 0

    def told(self, kind: Kind) -> None:
        """A watch brought an event of an object of this kind: what was read before it says nothing any more."""
        if kind == GATEWAY:
            self._views.clear()
            self._events += 1

    async def view(self, namespace: str, name: str, unmerged: bool = False) -> GatewayView:
        """The Gateway and its Service; `unmerged` is passed on. Raises KubeError."""
        place = (namespace, name)
        async with self._reading[place]:
            since, found = self._views.get(place, (0.0, None))
            if found is None or self._clock.monotonic() - since >= self._seconds:
                found = await self._read(place)
        return replace(found, unmerged=unmerged)

    async def _read(self, place: Place) -> GatewayView:
        began, events = self._clock.monotonic(), self._events
        view = await _view(self._kube, *place)
        # An event may have come while it was read; one that is missing is looked for anew each time.
        if self._events == events and view.gateway is not None and view.service is not None:
            self._views[place] = began, view
        else:
            self._views.pop(place, None)
        return view


async def _view(kube: Kube, namespace: str, name: str) -> GatewayView:
    try:
        gateway = await kube.get(GATEWAY, namespace, name)
    except NotInstalled:
        return NOT_INSTALLED
    if gateway is None:
        return GatewayView(installed=True, gateway=None, service=None)
    services = await kube.list(SERVICE, namespace, {OWNING_GATEWAY: name, OWNING_GATEWAY_NAMESPACE: namespace})
    return GatewayView(installed=True, gateway=gateway, service=services[0] if services else None)
