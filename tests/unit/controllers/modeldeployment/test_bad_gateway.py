"""A gateway that is missing, broken, or counts requests in a way that says nothing of a version."""

from __future__ import annotations

from typing import Any

import pytest

from perennial.controllers.modeldeployment.gateway import GatewayView, state
from perennial.ports.kinds import (
    GATEWAY,
    HTTP_ROUTE,
)
from tests.unit.controllers.modeldeployment.objects import condition, gateway, version
from tests.unit.controllers.modeldeployment.test_bad_input import stalled
from tests.unit.controllers.modeldeployment.test_parts import ROUTER, taken
from tests.unit.controllers.modeldeployment.world import World

ALL_IN_PLACE = taken(("Accepted", "True", 2), ("ResolvedRefs", "True", 2))


# The gateway.


def view(accepted: dict[str, Any] | None, programmed: dict[str, Any] | None, unmerged: bool = False) -> GatewayView:
    said = [{"type": name, **each} for name, each in (("Accepted", accepted), ("Programmed", programmed)) if each]
    return GatewayView(True, {**gateway()[0], "status": {"conditions": said}}, gateway()[1], unmerged)


YES = {"status": "True"}
NO_ADDRESS = {"status": "False", "reason": "AddressNotAssigned", "message": "none"}
BROKEN = {"status": "False", "reason": "Invalid", "message": "no certificate"}
PENDING = {"status": "Unknown", "reason": "Pending"}
NOT_READY = ("False", "GatewayNotReady")


@pytest.mark.parametrize(
    ("accepted", "programmed", "expected", "words"),
    [
        (YES, YES, ("True", "RouteAccepted"), "has taken the route"),
        (YES, None, ("True", "RouteAccepted"), "has taken the route"),
        (YES, NO_ADDRESS, ("True", "RouteAccepted"), "has taken the route"),
        (None, None, NOT_READY, "is there a GatewayClass eg, and does its controller run?"),
        (PENDING, PENDING, NOT_READY, "was taken by no controller"),
        (BROKEN, None, NOT_READY, "Accepted is False (Invalid): no certificate"),
        (YES, BROKEN, NOT_READY, "Programmed is False (Invalid): no certificate"),
    ],
)
def test_what_the_gateway_says_of_itself(accepted: Any, programmed: Any, expected: Any, words: str) -> None:
    found = state(view(accepted, programmed), ROUTER, "late", "flights", ALL_IN_PLACE)
    assert (found.status, found.reason) == expected
    assert words in found.message
    assert found.answers is (found.status == "True")


async def test_a_gateway_that_nobody_controls_is_told_and_mended() -> None:
    world = World(version(1))
    mended = await world.kube.get(GATEWAY, "envoy-gateway-system", "gw")
    assert mended is not None
    world.kube.put({**mended, "status": {}})
    await world.settle()
    assert await stalled(world) == "GatewayNotReady"
    assert "GatewayClass eg" in await world.says("Stalled")
    assert (await world.conditions())["Ready"][0] == "False"
    world.kube.put(mended)
    await world.settle()
    assert (await world.conditions())["Ready"] == ("True", "Serving")


async def test_a_gateway_that_is_lost_while_serving_takes_nothing_out_of_the_route() -> None:
    world = World(version(1))
    await world.serving()
    lost = await world.kube.get(GATEWAY, "envoy-gateway-system", "gw")
    assert lost is not None
    world.kube.put({**lost, "status": {"conditions": [condition("Accepted", "False")]}})
    await world.settle()
    assert await world.weights() == {1: 100}
    assert (await world.conditions())["Ready"] == ("False", "NothingServes")
    assert (await world.conditions())["GatewayReady"] == NOT_READY


async def test_routes_that_are_not_served_though_gateways_are() -> None:
    world = World(version(1), missing=(HTTP_ROUTE,))
    await world.step()
    await world.serve()
    assert await world.step() in (5, 30)
    assert await stalled(world) == "GatewayNotInstalled"
    assert "HTTPRoute" in await world.says("Stalled")
    world.kube.missing.clear()
    await world.settle()
    assert (await world.conditions())["Ready"] == ("True", "Serving")


async def test_routes_that_are_no_longer_served() -> None:
    world = World(version(1))
    await world.serving()
    world.kube.missing.add(HTTP_ROUTE)
    assert await world.step() == 30
    assert (await world.conditions())["Ready"] == ("False", "NothingServes")
    assert len(await world.services()) == 1
    world.kube.missing.clear()
    await world.settle()
    assert (await world.conditions())["Ready"] == ("True", "Serving")


async def test_a_gateway_without_a_listener_for_the_preflight() -> None:
    world = World(version(1))
    found = await world.kube.get(GATEWAY, "envoy-gateway-system", "gw")
    assert found is not None
    listeners = [{"name": "tls", "protocol": "HTTPS", "port": 443}]
    world.kube.put({**found, "spec": {**found["spec"], "listeners": listeners}})
    await world.settle()
    assert await stalled(world) == "GatewayNotReady"
    assert "HTTP listener" in await world.says("Stalled")
    http = {"name": "http", "protocol": "HTTP", "port": 8080}
    world.kube.put({**found, "spec": {**found["spec"], "listeners": [*listeners, http]}})
    await world.settle()
    status = await world.status()
    assert status["url"] == "https://late.localhost/v1/models/late"
    assert status["internalUrl"].endswith(":8080/v1/models/late")


def test_unmerged_backends_are_told_once_the_route_is_taken() -> None:
    found = state(view(YES, YES, unmerged=True), ROUTER, "late", "flights", ALL_IN_PLACE)
    assert (found.status, found.reason) == ("False", "BackendsNotMerged")
    assert "mergeBackends" in found.message
    assert found.ready, "the route is the gateway's all the same: what leaves it may go"
    assert found.answers
    pending = state(view(YES, YES, unmerged=True), ROUTER, "late", "flights", None)
    assert pending.reason == "RoutePending"


async def test_unmerged_backends_keep_ready_what_serves() -> None:
    world = World(version(1))
    await world.serving()
    world.reconciler._unmerged = lambda *_: True
    await world.step()
    conditions = await world.conditions()
    assert conditions["GatewayReady"] == ("False", "BackendsNotMerged")
    assert conditions["Ready"] == ("True", "Serving")
    assert "Stalled" not in conditions
    world.reconciler._unmerged = lambda *_: False
    await world.step()
    assert (await world.conditions())["GatewayReady"] == ("True", "RouteAccepted")
