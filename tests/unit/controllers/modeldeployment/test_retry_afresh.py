"""A retry inherits nothing of the try before, and survives crashes, a lost status and many later revisions."""

from __future__ import annotations

import pytest

from perennial.ports.kinds import CONTROLLER_REVISION, HTTP_ROUTE, JOB, POD
from perennial.rollout import Verdict
from tests.unit.controllers.modeldeployment.objects import NAME, NAMESPACE, outcome, version
from tests.unit.controllers.modeldeployment.test_retry import (
    first_step,
    is_rolled_back,
    record,
    retry,
    rolled_back,
    token,
    worse,
)
from tests.unit.controllers.modeldeployment.world import World

AGAIN = "Version 2 is tried again"


async def test_a_retry_waits_until_the_pods_and_the_job_of_the_last_try_are_gone() -> None:
    world = World(version(1))
    await world.serving()
    world.kube.put(version(2))
    await world.until_followed(-1)
    for job in await world.kube.list(JOB, NAMESPACE):
        world.kube.put({k: v for k, v in job.items() if k != "status"})
    await world.preflight("Failed", said=outcome("row 3: 0.1, not 0.2."))
    await world.step()
    await retry(world, "monday")
    await world.step()
    assert AGAIN in await world.says("Reconciling")
    assert "Stalled" not in await world.conditions()
    assert (await world.outcomes())[2] == "RolledBack", "not forgotten yet"
    await first_step(world)


async def test_a_retry_does_not_inherit_the_deadline_of_a_try_whose_pods_never_got_ready() -> None:
    world = World(version(1))
    await world.serving()
    world.kube.put(version(2))
    await world.step()
    await world.serve(ready=False)
    world.clock.advance(700)
    await world.step()
    assert "was not ready within 600 s" in await world.says("Stalled")
    await retry(world, "monday")
    await first_step(world)
    assert [each["outcome"] for each in (await world.status())["history"]] == ["RolledBack", "Deployed"]


async def test_a_job_that_a_crash_left_behind_does_not_end_the_next_try() -> None:
    world = World(version(1))
    await world.serving()
    world.kube.put(version(2))
    await world.until_followed(-1)
    job = (await world.kube.list(JOB, NAMESPACE))[0]
    await worse_before_traffic(world)
    ended = {"conditions": [{**job["status"]["conditions"][0], "type": "Failed"}]}
    world.kube.put({**job, "status": ended})
    await retry(world, "monday")
    await first_step(world)


async def worse_before_traffic(world: World) -> None:
    service = (await world.status())["canary"]["inferenceService"]
    await world.pod(service, restartCount=2, lastState={"terminated": {"exitCode": 1}})
    await world.settle()
    assert await is_rolled_back(world)


async def test_pods_that_linger_after_their_service_do_not_end_the_next_try() -> None:
    world = await rolled_back()
    labels = {**(await record(world))["labels"], "perennial.dev/component": "server"}
    metadata = {"namespace": NAMESPACE, "name": "lingers", "labels": labels}
    world.kube.put({"kind": "Pod", "metadata": metadata, "status": {"conditions": []}})
    await retry(world, "monday")
    await world.step()
    assert AGAIN in await world.says("Reconciling")
    world.kube.drop(POD, NAMESPACE, "lingers")
    await first_step(world)


@pytest.mark.parametrize("lost", [False, True])
async def test_a_rollback_that_only_the_route_knows_is_told_and_then_retried(lost: bool) -> None:
    world = World(version(1))
    await world.in_traffic()
    world.analysis.says(Verdict.ROLL_BACK, message="It is worse.")
    real = world.kube.apply

    async def dies(kind: object, obj: object, *, manager: str) -> object:
        if kind == CONTROLLER_REVISION:
            raise ConnectionError
        return await real(kind, obj, manager=manager)  # type: ignore[arg-type]

    world.kube.apply = dies  # type: ignore[method-assign,assignment]
    with pytest.raises(ConnectionError):
        await world.step()
    world.kube.apply = real  # type: ignore[method-assign]
    world.start()
    world.clock.advance(10)
    if lost:
        await world.wipe()
    await retry(world, "monday")
    await world.step()
    assert (await world.outcomes())[2] == "RolledBack"
    assert (await world.status())["history"][0]["outcome"] == "RolledBack"
    await first_step(world)
    route = await world.kube.get(HTTP_ROUTE, NAMESPACE, NAME)
    assert route is not None
    assert "perennial.dev/rolled-back" not in route["metadata"]["annotations"]


async def test_a_used_token_survives_a_lost_status() -> None:
    world = await rolled_back()
    await retry(world, "monday")
    await first_step(world)
    await worse(world)
    await world.wipe()
    world.start()
    await world.settle()
    await world.settle()
    assert await is_rolled_back(world)


async def test_many_later_revisions_do_not_make_a_used_token_new() -> None:
    world = await rolled_back()
    await retry(world, "monday")
    await first_step(world)
    for number in range(25):
        await world.change(version=1, serving={"env": [{"name": "A", "value": str(number)}]})
        await world.step()
        await world.play()
    assert len(await world.kube.list(CONTROLLER_REVISION, NAMESPACE)) <= 21
    assert await token(world) == "monday"
