"""Which routes the gateway counts by rule instead of by Service."""

from __future__ import annotations

import asyncio

import pytest

from perennial.core.merging import Merging, routes
from perennial.ports.prometheus import PrometheusUnavailable, Series
from perennial.rollout.counts import TOTAL

from .world import GRID, World, steady


def sampled(cluster: str, *samples: tuple[float, float]) -> Series:
    return Series({"__name__": TOTAL, "envoy_cluster_name": cluster}, samples or ((1.0, 0.0),))


@pytest.mark.parametrize(
    ("cluster", "found"),
    [
        ("httproute/flights/late/rule/0", {("flights", "late")}),
        ("httproute/flights/late/rule/12/backend/1", {("flights", "late")}),
        ("service/flights/late-a-predictor/80/http", set()),
        ("httproute/flights/late/other", set()),
        ("grpcroute/flights/late/rule/0", set()),
        ("xds_cluster", set()),
    ],
)
def test_what_a_cluster_is_named_after(cluster: str, found: set[tuple[str, str]]) -> None:
    assert routes([sampled(cluster)]) == found


def test_a_series_without_samples_says_nothing() -> None:
    assert routes([Series({"envoy_cluster_name": "httproute/a/b/rule/0"}, ())]) == frozenset()


async def test_a_change_is_told_once_and_mended_by_itself() -> None:
    world, told = World(steady()), list[tuple[str, str]]()
    merging = Merging(world.prometheus, world, GRID, lambda *route: told.append(route))
    labels = {"__name__": TOTAL, "job": GRID.job, "envoy_cluster_name": "httproute/flights/late/rule/0"}
    other = {**labels, "envoy_cluster_name": "httproute/flights/other/rule/0"}
    world.prometheus.add(labels, world.time - 5, 3)
    world.prometheus.add({**other, "isvc": "a-model"}, world.time - 5, 3)
    world.prometheus.add({**other, "job": "a-tenants"}, world.time - 5, 3)
    await merging.look()
    assert merging.unmerged("flights", "late")
    assert not merging.unmerged("flights", "other"), "metrics of others are not the gateway's"
    await merging.look()
    world.prometheus.failure = PrometheusUnavailable("Unreachable", "Down.")
    await merging.look()
    assert merging.unmerged("flights", "late"), "an outage says nothing"
    assert told == [("flights", "late")]
    world.prometheus.failure = None
    world.time += 60
    await merging.look()
    assert not merging.unmerged("flights", "late")
    assert told == [("flights", "late")] * 2


async def test_no_mistake_ends_the_loop() -> None:
    world, looks = World(steady()), 0

    async def query(promql: str, at: float) -> list[Series]:
        nonlocal looks
        looks += 1
        raise ZeroDivisionError

    async def sleep(seconds: float) -> None:
        if looks == 3:
            raise asyncio.CancelledError
        assert seconds > 0

    world.prometheus.query = query  # type: ignore[method-assign]
    with pytest.raises(asyncio.CancelledError):
        await Merging(world.prometheus, world, GRID, lambda *_: None, sleep).run()
    assert looks == 3
