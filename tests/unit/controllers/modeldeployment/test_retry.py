"""`spec.rollout.retry`: a rollback is taken back once for each token, by a rollout that begins from nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from perennial.core.conditions import parse_time
from perennial.ports.kinds import CONTROLLER_REVISION
from perennial.rollout import Verdict
from tests.unit.controllers.modeldeployment.objects import NAMESPACE, version
from tests.unit.controllers.modeldeployment.world import World


async def rolled_back(**spec: Any) -> World:
    """Version 2 got requests, was worse, and is gone."""
    world = World(version(1), **spec)
    await world.in_traffic()
    await worse(world)
    return world


async def worse(world: World) -> None:
    world.analysis.says(Verdict.ROLL_BACK, message="It is worse.")
    await world.settle()
    assert await is_rolled_back(world)
    world.clock.advance(10)


async def is_rolled_back(world: World) -> bool:
    return (await world.conditions()).get("Stalled") == ("True", "RolledBack") and len(await world.services()) == 1


async def retry(world: World, token: str) -> None:
    await world.change(rollout={"retry": token})


async def record(world: World, number: int = 2) -> dict[str, Any]:
    """The metadata of a version's record."""
    records = await world.kube.list(CONTROLLER_REVISION, NAMESPACE)
    found: dict[str, Any] = next(each["metadata"] for each in records if each["data"]["version"] == number)
    return found


async def token(world: World, number: int = 2) -> str:
    return str((await record(world, number)).get("annotations", {}).get("perennial.dev/retried", ""))


async def first_step(world: World, number: int = 2) -> None:
    await world.until_followed(0, first=True)
    assert (await world.weights())[number] == 10


async def test_a_retry_begins_the_rollout_from_nothing() -> None:
    world = World(version(1))
    await world.in_traffic()
    before = world.analysis.watched
    assert before is not None
    await worse(world)
    await retry(world, "monday")
    await world.step()
    status = await world.status()
    assert (status["canary"]["version"], status["canary"]["weight"], status["canary"]["step"]) == (2, 0, -1)
    assert "analysis" not in status, "neither the verdict nor a checkpoint is carried over"
    assert "Stalled" not in await world.conditions()
    await first_step(world)
    after = world.analysis.watched
    assert after is not None
    assert after.revision != before.revision, "evidence is kept by this"
    assert after.checkpoint == ""
    assert parse_time((await world.status())["canary"]["started"]) >= world.clock.now() - timedelta(seconds=1)
    assert (await world.outcomes())[2] == ""
    assert (await world.events()).count("RolloutRetried") == 1


async def test_the_token_is_kept_in_the_very_write_that_forgets() -> None:
    world = await rolled_back()
    await retry(world, "monday")
    before = len(world.kube.writes)
    await world.step()
    bodies = [w.body["metadata"] for w in world.kube.writes[before:] if w.kind == "ControllerRevision"]
    assert len(bodies) == 1
    assert bodies[0]["annotations"] == {"perennial.dev/retried": "monday"}
    assert "perennial.dev/outcome" not in bodies[0]["labels"]


async def test_a_second_rollback_stays_until_there_is_another_token() -> None:
    world = await rolled_back()
    await retry(world, "monday")
    await first_step(world)
    await worse(world)
    await world.settle()
    assert await token(world) == "monday"
    await world.change(rollout={})
    await world.settle()
    await retry(world, "monday")
    await world.settle()
    assert await is_rolled_back(world)
    await retry(world, "tuesday")
    await first_step(world)


async def test_a_token_that_was_there_before_the_rollback_does_nothing() -> None:
    world = World(version(1), rollout={"retry": "old"})
    await world.in_traffic()
    await worse(world)
    await world.settle()
    assert await is_rolled_back(world)
    world.kube.put(version(3))
    await first_step(world, 3)
    await worse(world)
    await world.settle()
    assert await is_rolled_back(world), "nor for the next revision"


async def test_a_token_that_was_meant_for_another_revision_does_nothing() -> None:
    world = await rolled_back()
    await world.change(version=1, rollout={"retry": "for-1"})
    await world.settle()
    await world.change(version=2)
    await world.settle()
    assert await is_rolled_back(world)
    assert (await token(world, 1), await token(world, 2)) == ("for-1", "")


async def test_a_retry_goes_all_the_way() -> None:
    world = await rolled_back()
    await retry(world, "monday")
    await first_step(world)
    world.analysis.says(Verdict.ADVANCE)
    await world.until_followed(1)
    world.analysis.says(Verdict.PROMOTE)
    await world.settle()
    assert await world.weights() == {1: 0, 2: 100}
    assert [each["outcome"] for each in (await world.status())["history"]] == ["Promoted", "RolledBack", "Deployed"]
    assert (await world.outcomes())[2] == "Promoted"


async def test_a_rejection_wins_over_a_retry_until_it_is_taken_back() -> None:
    world = World(version(1))
    await world.in_traffic()
    revision = (await world.status())["canary"]["revision"]
    await world.change(rollout={"reject": revision})
    await world.settle()
    await world.change(rollout={"reject": revision, "retry": "monday"})
    await world.settle()
    assert await is_rolled_back(world)
    await world.change(rollout={"retry": "monday"})
    await first_step(world)


async def test_a_retry_while_paused_forgets_and_begins_later() -> None:
    world = await rolled_back()
    await world.change(paused=True, rollout={"retry": "monday"})
    await world.settle()
    assert (await world.conditions())["Reconciling"] == ("True", "Paused")
    assert len(await world.services()) == 1
    await world.change(paused=False)
    await first_step(world)


async def test_a_retry_of_what_is_wanted_outlasts_a_pause_that_holds_another_canary() -> None:
    world = await rolled_back()
    world.kube.put(version(3))
    await world.until_followed(0, first=True)
    await world.change(paused=True, version=2, rollout={"retry": "monday"})
    await world.settle()
    assert await world.weights() == {1: 90, 3: 10}
    await world.change(paused=False)
    await world.settle(12)
    assert (await world.status())["canary"]["version"] == 2


async def test_a_promotion_that_a_rollback_forestalled_does_not_come_with_the_retry() -> None:
    world = World(version(1))
    await world.in_traffic()
    status = await world.status()
    await world.pod(status["canary"]["inferenceService"], restartCount=2, lastState={"terminated": {"exitCode": 1}})
    promote = {"promote": status["canary"]["revision"]}
    await world.change(rollout=promote)
    await world.settle()
    assert await is_rolled_back(world)
    await world.change(rollout={**promote, "retry": "monday"})
    await first_step(world)
    await world.settle()
    assert await world.weights() == {1: 90, 2: 10}


async def test_a_retry_and_a_promotion_in_one_go_put_the_revision_in_charge() -> None:
    world = await rolled_back()
    revision = (await record(world))["labels"]["perennial.dev/revision"]
    await world.change(rollout={"retry": "monday", "promote": revision})
    await world.settle(12)
    assert await world.weights() == {1: 0, 2: 100}


async def test_memory_is_by_revision_so_a_version_made_again_is_tried() -> None:
    world = await rolled_back()
    again = version(2)
    world.kube.put({**again, "metadata": {**again["metadata"], "uid": "made-again"}})
    await world.step()
    assert (await world.status())["canary"]["version"] == 2
    assert await world.says("Reconciling") == "Version 2 is starting: its InferenceService is being created."
