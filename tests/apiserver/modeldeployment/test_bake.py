"""The bake on a real apiserver: a promotion with a share held back, its end, and going back in one write."""

from __future__ import annotations

from perennial.ports.kinds import HTTP_ROUTE
from perennial.rollout import Verdict
from tests.apiserver.modeldeployment.stage import Stage
from tests.apiserver.modeldeployment.test_main_job import STEADY, canary, first

BAKE = {"seconds": 60, "holdbackPercent": 2}


async def baking(stage: Stage) -> None:
    await first(stage, bake=BAKE, scaleDownSeconds=60)
    await canary(stage)
    stage.analysis.says(Verdict.ADVANCE)
    await stage.until_followed(1)
    stage.analysis.says(Verdict.PROMOTE)
    await stage.settle()
    assert await stage.weights() == {1: 2, 2: 98}
    assert await stage.conditions() == {**STEADY, "UpToDate": ("True", "Baking")}


async def generation(stage: Stage) -> int:
    """How often the route was written."""
    route = await stage.admin.get(HTTP_ROUTE, stage.namespace, stage.name)
    assert route is not None
    return int(route["metadata"]["generation"])


async def test_a_promotion_bakes_and_then_the_old_version_goes(stage: Stage) -> None:
    await baking(stage)
    before = await stage.versions()
    await stage.step()
    assert await stage.versions() == before, "a bake writes nothing while nothing changes"
    stage.clock.advance(61)
    await stage.settle()
    assert await stage.weights() == {1: 0, 2: 100}
    assert await stage.conditions() == STEADY
    stage.clock.advance(60)
    await stage.settle()
    assert await stage.weights() == {2: 100}


async def test_what_breaks_in_the_bake_goes_back_in_one_write(stage: Stage) -> None:
    await baking(stage)
    before = await generation(stage)
    stage.analysis.says(Verdict.ROLL_BACK, message="It got worse.")
    await stage.step()
    assert await stage.weights() == {1: 100, 2: 0}
    assert await generation(stage) == before + 1
    await stage.play()
    await stage.settle()
    assert (await stage.conditions())["Stalled"] == ("True", "RolledBack")
    status = await stage.status()
    assert (status["stable"]["version"], "previous" in status) == (1, False)
    assert [each["outcome"] for each in status["history"]] == ["RolledBack", "Promoted", "Deployed"]


async def test_the_undo_is_one_write(stage: Stage) -> None:
    await baking(stage)
    before = await generation(stage)
    await stage.deploy(bake=BAKE, rollout={"promote": (await stage.status())["previous"]["revision"]})
    await stage.step()
    assert await stage.weights() == {1: 100, 2: 0}
    assert await generation(stage) == before + 1
    await stage.play()
    await stage.settle()
    assert "undone by hand" in await stage.says("Stalled")
