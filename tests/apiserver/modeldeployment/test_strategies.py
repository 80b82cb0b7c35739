"""Each strategy on a real apiserver, under the Gateway API's own schema."""

from __future__ import annotations

from typing import Any

from perennial.controllers.modeldeployment.route import LiveRoute, read
from perennial.ports.kinds import HTTP_ROUTE, INFERENCE_SERVICE
from perennial.rollout import Verdict
from tests.apiserver.modeldeployment.stage import Stage
from tests.apiserver.modeldeployment.test_main_job import STEADY, first


async def released(stage: Stage, strategy: dict[str, Any]) -> None:
    await first(stage, strategy=strategy, scaleDownSeconds=60)
    await stage.release(2)


async def route(stage: Stage) -> LiveRoute:
    return read(await stage.admin.get(HTTP_ROUTE, stage.namespace, stage.name))


async def until(stage: Stage, reason: str) -> None:
    for _ in range(10):
        await stage.step()
        if (await stage.conditions()).get("Reconciling", ("", ""))[1] == reason:
            return
        await stage.play()
        stage.analysis.says(Verdict.HOLD)
    raise AssertionError(f"never {reason}: {await stage.conditions()}")


async def test_blue_green(stage: Stage) -> None:
    await released(stage, {"blueGreen": {"previewSeconds": 60}})
    await until(stage, "Preview")
    assert await stage.weights() == {1: 100, 2: 0}
    stage.clock.advance(61)
    await stage.settle()
    assert await stage.weights() == {1: 0, 2: 100}
    assert await stage.conditions() == STEADY
    await stage.deploy(strategy={"blueGreen": {"previewSeconds": 60}}, version=1)
    await stage.step()
    assert await stage.weights() == {1: 100, 2: 0}


async def test_a_shadow(stage: Stage) -> None:
    await released(stage, {"shadow": {"percent": 30}})
    await until(stage, "Stepping")
    await stage.play()
    await stage.until_followed(0)
    assert await stage.weights() == {1: 100, 2: 0}
    live = await route(stage)
    assert live.mirror == ((await stage.status())["canary"]["inferenceService"], 30)
    stage.analysis.says(Verdict.PROMOTE)
    await stage.settle()
    assert await stage.weights() == {1: 0, 2: 100}
    assert (await route(stage)).mirror is None


async def test_recreate(stage: Stage) -> None:
    await released(stage, {"recreate": {}})
    for _ in range(14):
        await stage.step()
        assert len(await stage.admin.list(INFERENCE_SERVICE, stage.namespace)) <= 1
        await stage.play()
    assert await stage.weights() == {2: 100}
    assert await stage.conditions() == STEADY


async def test_a_weight_by_hand(stage: Stage) -> None:
    steps = [{"weight": 10}, {"weight": 50}]
    await released(stage, {"canary": {"steps": steps, "weight": 30, "replicas": "Proportional"}})
    await until(stage, "AwaitingPromotion")
    assert await stage.weights() == {1: 70, 2: 30}
    await stage.deploy(strategy={"canary": {"steps": steps, "weight": 100, "replicas": 2}})
    await stage.settle()
    assert await stage.weights() == {1: 0, 2: 100}
    assert (await stage.status())["stable"]["version"] == 1
