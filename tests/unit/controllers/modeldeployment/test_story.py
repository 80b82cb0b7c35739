"""The main job against a played cluster: first deployment, canary, promotion, rollback, and what follows each."""

from perennial.ports.kinds import JOB, SERVING_RUNTIME
from perennial.rollout import Verdict
from tests.unit.controllers.modeldeployment.objects import NAMESPACE, version
from tests.unit.controllers.modeldeployment.world import World


async def test_the_first_version_serves_after_readiness_route_and_preflight() -> None:
    world = World(version(1))
    await world.step()
    assert (await world.conditions())["Reconciling"] == ("True", "Preparing")
    assert (await world.conditions())["Ready"] == ("False", "Starting")
    await world.settle()
    assert await world.weights() == {1: 100}
    assert await world.conditions() == {
        "Ready": ("True", "Serving"),
        "UpToDate": ("True", "TargetServes"),
        "GatewayReady": ("True", "RouteAccepted"),
    }
    status = await world.status()
    assert status["url"] == "http://late.localhost:8080/v1/models/late"
    assert status["internalUrl"] == "http://envoy-gw.envoy-gateway-system.svc:8080/v1/models/late"
    assert [entry["outcome"] for entry in status["history"]] == ["Deployed"]


async def test_no_user_is_sent_to_a_version_before_its_golden_rows_passed() -> None:
    world = World(version(1))
    for _ in range(5):
        await world.step()
        await world.serve()
        await world.route_taken()
    assert await world.weights() == {}
    assert (await world.conditions())["Reconciling"] == ("True", "Preflight")
    assert len((await world.route()).tokens) == 1


async def test_a_step_forward_is_written_to_status_first_and_to_the_route_in_the_next_pass() -> None:
    world = World(version(1))
    await world.in_traffic()
    world.analysis.says(Verdict.ADVANCE)
    before = len(world.kube.writes)
    await world.step()
    assert [write.subresource for write in world.kube.writes[before:] if write.kind != "Event"] == ["status"]
    assert (await world.status())["canary"]["weight"] == 50
    assert (await world.weights())[2] == 10
    await world.step()
    assert await world.weights() == {1: 50, 2: 50}


async def test_a_verdict_is_used_for_the_step_it_was_given_for_and_for_no_other() -> None:
    world = World(version(1))
    await world.in_traffic()
    world.analysis.says(Verdict.ADVANCE)
    reading = world.analysis.reading
    await world.step()
    world.analysis.reading = reading
    await world.step()
    world.analysis.reading = reading
    await world.step()
    assert (await world.status())["canary"]["step"] == 1
    assert (await world.status())["stable"]["version"] == 1


async def test_a_promotion_is_written_to_status_first_then_route_then_records() -> None:
    world = World(version(1))
    await world.in_traffic()
    await advance(world)
    world.analysis.says(Verdict.PROMOTE)
    await world.step()
    status = await world.status()
    assert (status["stable"]["version"], status["previous"]["version"], "canary" in status) == (2, 1, False)
    assert await world.weights() == {1: 50, 2: 50}
    assert (await world.conditions())["UpToDate"][0] == "False"
    await world.step()
    assert await world.weights() == {1: 0, 2: 100}
    assert (await world.roles()) == {1: "previous", 2: "stable"}
    await world.play()
    await world.settle()
    assert (await world.conditions())["UpToDate"] == ("True", "TargetServes")
    assert "took over from version 1" in (await world.status())["history"][0]["message"]


async def advance(world: World) -> None:
    world.analysis.says(Verdict.ADVANCE)
    await world.until_followed(1)


async def promoted(world: World) -> None:
    await world.in_traffic()
    await advance(world)
    world.analysis.says(Verdict.PROMOTE)
    await world.settle()


async def test_the_old_version_is_kept_for_a_while_then_leaves_the_route_then_goes() -> None:
    world = World(version(1), scaleDownSeconds=60)
    await promoted(world)
    assert len(await world.services()) == 2
    world.clock.advance(59)
    await world.settle()
    assert await world.weights() == {1: 0, 2: 100}
    world.clock.advance(2)
    await world.step()
    assert await world.weights() == {2: 100}
    assert len(await world.services()) == 2, "the gateway has not let go yet"
    await world.step()
    assert len(await world.services()) == 2, "the gateway has not let go yet"
    await world.route_taken()
    await world.settle()
    assert len(await world.services()) == 1
    assert len(await world.kube.list(SERVING_RUNTIME, NAMESPACE)) == 1
    assert "previous" not in await world.status()
    assert (await world.roles())[1] == ""


async def test_a_rollback_is_route_then_record_then_status() -> None:
    world = World(version(1))
    await world.in_traffic()
    world.analysis.says(Verdict.ROLL_BACK, message="It is worse.")
    before = len(world.kube.writes)
    await world.step()
    writes = [write.kind for write in world.kube.writes[before:]]
    assert writes == ["HTTPRoute", "ControllerRevision", "ModelDeployment", "Event"]
    assert await world.weights() == {1: 100, 2: 0}
    await world.play()
    await world.settle()
    assert await world.weights() == {1: 100}
    assert len(await world.services()) == 1
    assert (await world.outcomes())[2] == "RolledBack"


async def test_after_a_rollback_status_says_why_and_stays_so() -> None:
    world = World(version(1))
    await world.in_traffic()
    world.analysis.says(Verdict.ROLL_BACK, message="It is worse.")
    await world.settle()
    assert await world.conditions() == {
        "Ready": ("True", "Serving"),
        "UpToDate": ("False", "RolledBack"),
        "GatewayReady": ("True", "RouteAccepted"),
        "Stalled": ("True", "RolledBack"),
    }
    status = await world.status()
    assert status["analysis"]["verdict"] == "RollBack"
    assert status["analysis"]["message"] == "It is worse. Version 1 serves all requests."
    assert await world.says("Stalled") == "It is worse. Version 1 serves all requests."


async def test_a_rolled_back_version_is_not_tried_again_but_the_next_one_is() -> None:
    world = World(version(1))
    await world.in_traffic()
    world.analysis.says(Verdict.ROLL_BACK)
    await world.settle()
    world.start()
    await world.settle()
    assert len(await world.services()) == 1
    world.kube.put(version(3))
    await world.settle(12)
    assert (await world.status())["canary"]["version"] == 3
    assert "Stalled" not in await world.conditions()


async def test_the_preflight_job_is_made_once_and_goes_with_the_rollout() -> None:
    world = World(version(1))
    await world.settle()
    assert [w.verb for w in world.kube.writes if w.kind == "Job"] == ["create", "delete"]
    assert await world.kube.list(JOB, NAMESPACE) == []


async def test_a_second_look_at_the_same_world_writes_nothing() -> None:
    world = World(version(1))
    await world.in_traffic()
    world.analysis.says(Verdict.HOLD, message="3 of 20.")
    await world.step()
    before = len(world.kube.writes)
    for numbers in range(5):
        world.clock.advance(5)
        world.analysis.says(Verdict.HOLD, message=f"{numbers} of 20.")
        await world.step()
    assert world.kube.writes[before:] == []
    assert await world.says("Reconciling") == "3 of 20."
