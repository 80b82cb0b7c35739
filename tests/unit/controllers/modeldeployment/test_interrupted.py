"""What breaks into a rollout: another wish, a crash, a lost status, lost records, changed steps, missing pods."""

from perennial.ports.kinds import CONTROLLER_REVISION, HTTP_ROUTE, INFERENCE_SERVICE, POD
from perennial.ports.kube import Conflict
from perennial.rollout import Verdict
from tests.unit.controllers.modeldeployment.objects import NAME, NAMESPACE, version
from tests.unit.controllers.modeldeployment.world import World

CRASHED = {"restartCount": 2, "ready": False, "lastState": {"terminated": {"exitCode": 1, "message": "bad pickle"}}}


async def canary_service(world: World) -> str:
    return str((await world.status())["canary"]["inferenceService"])


async def test_a_newer_version_takes_the_canarys_place_and_the_old_one_leaves_in_two_steps() -> None:
    world = World(version(1))
    await world.in_traffic()
    old = await canary_service(world)
    world.kube.put(version(3))
    await world.step()
    assert await world.weights() == {1: 100, 2: 0}
    assert old in (await world.route()).tokens, "its keeper rule stays until the gateway has taken the weight"
    assert (await world.status())["history"][0]["outcome"] == "Superseded"
    await world.step()
    assert old in (await world.route()).tokens
    await world.play()
    await world.step()
    assert old not in (await world.route()).tokens
    assert (await world.status())["canary"]["version"] == 3


async def test_going_back_to_the_stable_version_ends_the_rollout_at_once() -> None:
    world = World(version(1))
    await world.in_traffic()
    await world.change(version=1)
    await world.step()
    assert await world.weights() == {1: 100, 2: 0}
    await world.play()
    await world.settle()
    assert len(await world.services()) == 1
    assert (await world.conditions())["UpToDate"] == ("True", "TargetServes")
    assert (await world.outcomes())[2] == "Superseded"


async def test_a_superseded_version_may_be_tried_again() -> None:
    world = World(version(1))
    await world.in_traffic()
    await world.change(version=1)
    await world.settle()
    await world.change(version=2)
    await world.step()
    assert (await world.status())["canary"]["version"] == 2


async def test_a_canary_that_is_rejected_by_people_leaves() -> None:
    world = World(version(1), version=1)
    await world.serving()
    world.kube.put(version(2))
    await world.change(version=2)
    await world.step()
    world.kube.put(version(2, decision="Rejected"))
    await world.step()
    assert "Reconciling" not in await world.conditions(), "never together with Stalled"
    await world.settle()
    assert (await world.conditions())["Stalled"] == ("True", "VersionNotUsable")
    assert (await world.status())["history"][0]["outcome"] == "Superseded"
    assert len(await world.services()) == 1


async def test_a_crash_between_the_routes_rollback_and_its_record_forgets_nothing() -> None:
    world = World(version(1))
    await world.in_traffic()
    world.analysis.says(Verdict.ROLL_BACK, message="It is worse.")
    real, calls = world.kube.apply, []

    async def dies(kind: object, obj: object, *, manager: str) -> object:
        calls.append(kind)
        if kind == CONTROLLER_REVISION:
            raise ConnectionError
        return await real(kind, obj, manager=manager)  # type: ignore[arg-type]

    world.kube.apply = dies  # type: ignore[method-assign,assignment]
    try:
        await world.step()
    except ConnectionError:
        world.start()
    world.kube.apply = real  # type: ignore[method-assign]
    assert calls[0] == HTTP_ROUTE
    await world.step()
    assert await world.weights() == {1: 100, 2: 0}
    assert (await world.outcomes())[2] == "RolledBack"
    assert await world.says("Stalled") == "It is worse. Version 1 serves all requests."


async def test_a_crash_after_the_record_of_a_rollback_tells_of_it_once() -> None:
    world = World(version(1))
    await world.in_traffic()
    world.analysis.says(Verdict.ROLL_BACK, message="It is worse.")
    await fail_status_once(world)
    world.start()
    await world.step()
    assert await world.says("Stalled") == "It is worse. Version 1 serves all requests."
    assert [each["outcome"] for each in (await world.status())["history"]] == ["RolledBack", "Deployed"]


async def test_a_rollback_is_remembered_though_the_history_is_older() -> None:
    world = World(version(1))
    await world.in_traffic()
    await world.change(version=1)
    await world.settle()
    await world.change(version=2)
    world.analysis.watched = None
    await world.until_followed(0, first=True)
    world.analysis.says(Verdict.ROLL_BACK)
    await fail_status_once(world)
    world.kube.missing |= {INFERENCE_SERVICE}
    await world.step()
    assert (await world.conditions())["Stalled"] == ("True", "KServeNotInstalled")
    assert (await world.outcomes())[2] == "RolledBack"


async def fail_status_once(world: World) -> None:
    real = world.kube.apply_status

    async def conflict(*_: object, **__: object) -> None:
        raise Conflict("the object has been modified")

    world.kube.apply_status = conflict  # type: ignore[method-assign,assignment]
    try:
        await world.step()
    except Conflict:
        world.kube.apply_status = real  # type: ignore[method-assign]
    events = [write for write in world.kube.writes if write.kind == "Event" and write.body["reason"] == "RolledBack"]
    assert events == [], "events tell of a status that is written"


async def test_a_lost_status_is_rebuilt_in_the_middle_of_a_canary() -> None:
    world = World(version(1))
    await world.in_traffic()
    before = await world.status()
    await world.wipe()
    world.start()
    await world.step()
    after = await world.status()
    assert after["stable"] == before["stable"]
    assert (after["canary"]["weight"], after["canary"]["step"]) == (10, 0)
    assert await world.weights() == {1: 90, 2: 10}


async def test_a_lost_status_after_a_rollback_tries_nothing_again() -> None:
    world = World(version(1))
    await world.in_traffic()
    world.analysis.says(Verdict.ROLL_BACK)
    await world.settle()
    await world.wipe()
    await world.settle()
    assert (await world.conditions())["Stalled"] == ("True", "RolledBack")
    assert len(await world.services()) == 1


async def test_a_status_lost_before_any_role_was_recorded_is_found_in_the_route() -> None:
    world = World(version(1))
    await world.serving()
    for record in await world.kube.list(CONTROLLER_REVISION, NAMESPACE):
        record["metadata"]["labels"].pop("perennial.dev/role")
        world.kube.put(record)
    await world.wipe()
    await world.step()
    assert (await world.status())["stable"]["version"] == 1
    assert await world.weights() == {1: 100}


async def test_a_deleted_record_of_what_serves_is_made_again() -> None:
    world = World(version(1))
    await world.serving()
    world.kube.drop(CONTROLLER_REVISION, NAMESPACE, (await world.services())[0])
    await world.settle()
    assert await world.weights() == {1: 100}
    assert (await world.roles()) == {1: "stable"}


async def test_a_deleted_record_and_another_target_leave_users_where_they_are() -> None:
    world = World(version(1))
    await world.serving()
    service = (await world.services())[0]
    world.kube.drop(CONTROLLER_REVISION, NAMESPACE, service)
    world.kube.put(version(2))
    await world.step()
    assert (await world.route()).weights[service] == 100


async def test_a_deleted_service_or_route_is_made_again() -> None:
    world = World(version(1))
    await world.serving()
    world.kube.drop(INFERENCE_SERVICE, NAMESPACE, (await world.services())[0])
    world.kube.drop(HTTP_ROUTE, NAMESPACE, NAME)
    await world.settle()
    assert await world.weights() == {1: 100}


async def test_changed_steps_find_the_canary_by_its_weight() -> None:
    world = World(version(1))
    await world.in_traffic()
    await world.change(strategy={"canary": {"steps": [{"weight": 5}, {"weight": 8}, {"weight": 40}]}})
    await world.step()
    assert (await world.status())["canary"]["step"] == 1
    await world.change(strategy={"canary": {"steps": [{"weight": 5}]}})
    await world.step()
    status = await world.status()
    assert (status["canary"]["step"], status["canary"]["weight"]) == (0, 10)


async def test_a_canary_whose_model_ends_its_pod_is_rolled_back_with_its_last_words() -> None:
    world = World(version(1))
    await world.in_traffic()
    await world.pod(await canary_service(world), **CRASHED)
    await world.step()
    assert await world.weights() == {1: 100, 2: 0}
    said = await world.says("Stalled")
    assert said == (
        "Version 2 failed: its pod ended 2 times: exit code 1, saying: bad pickle. Version 1 serves all requests."
    )


async def test_a_canary_that_lost_its_pod_is_not_rolled_back_however_old_it_is() -> None:
    world = World(version(1))
    await world.serving()
    world.kube.put(version(2))
    await world.until_followed(-1)
    world.clock.advance(100_000)
    world.kube.drop(POD, NAMESPACE, f"{await canary_service(world)}-pod")
    await world.step()
    assert (await world.conditions())["Reconciling"] == ("True", "Preparing")


async def test_no_request_moves_while_stable_has_no_pod() -> None:
    world = World(version(1))
    await world.in_traffic()
    stable = (await world.status())["stable"]["inferenceService"]
    world.kube.drop(POD, NAMESPACE, f"{stable}-pod")
    for verdict in (Verdict.ADVANCE, Verdict.ROLL_BACK):
        world.analysis.says(verdict)
        await world.step()
        assert await world.weights() == {1: 90, 2: 10}
        assert (await world.conditions())["Reconciling"] == ("True", "StableNotReady")
    world.kube.put(version(3))
    await world.step()
    assert await world.weights() == {1: 90, 2: 10}


async def test_a_step_waits_for_the_capacity_that_its_weight_needs() -> None:
    world = World(version(1))
    await world.in_traffic()
    stable = (await world.status())["stable"]["inferenceService"]
    pod = await world.kube.get(POD, NAMESPACE, f"{stable}-pod")
    assert pod is not None
    for number in range(3):
        world.kube.put({**pod, "metadata": {**pod["metadata"], "name": f"{stable}-pod-{number}"}})
    world.analysis.says(Verdict.ADVANCE)
    await world.step()
    assert await world.says("Reconciling") == "50 % needs 2 ready pods of version 2; 1 are."
    assert (await world.conditions())["Reconciling"] == ("True", "CapacityNotReady")


async def test_going_back_to_the_previous_version_while_it_is_kept_uses_its_servers() -> None:
    world = World(version(1))
    await world.in_traffic()
    for step in (1, None):
        world.analysis.says(Verdict.ADVANCE if step else Verdict.PROMOTE)
        await (world.until_followed(step) if step else world.settle())
    before = await world.services()
    await world.change(version=1)
    await world.step()
    assert await world.weights() == {1: 100, 2: 0}
    assert await world.services() == before
    await world.play()
    await world.settle()
    assert "canary" not in await world.status()
    assert (await world.conditions())["UpToDate"] == ("True", "TargetServes")
