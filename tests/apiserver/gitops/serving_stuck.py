"""The situations of a ModelDeployment in which nothing goes on by waiting, or nothing serves."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import yaml

from perennial.ports.kinds import GATEWAY, HTTP_ROUTE, INFERENCE_SERVICE, POD, SERVING_RUNTIME
from perennial.ports.kube import Object, Unavailable
from perennial.rollout import Verdict
from tests.apiserver.foreign import definition
from tests.apiserver.gitops.place import Place
from tests.apiserver.gitops.serving import at, beginning, in_traffic, is_stable, serving, situation
from tests.apiserver.modeldeployment.stage import NAME, Stage
from tests.apiserver.support import eventually

ROLLED_BACK = "rolled back"
CANNOT = "cannot go on"
NOTHING = "no pod of the stable version is ready, or no gateway"
NOWHERE = {"gatewayRef": {"name": "nowhere", "namespace": "envoy-gateway-system"}, "hostname": "late.localhost"}


async def pods_say(stage: Stage, status: Object) -> None:
    """What the kubelet says of every server pod there is."""
    for pod in await stage.admin.list(POD, stage.namespace):
        head = {"namespace": stage.namespace, "name": pod["metadata"]["name"]}
        await stage.admin.apply_status(POD, {"metadata": head, "status": status}, manager="test")


@situation(ROLLED_BACK)
async def rolled_back(place: Place) -> Object:
    stage = await in_traffic(place)
    stage.analysis.says(Verdict.ROLL_BACK, message="It is worse.")
    await stage.settle()
    return await stage.get()


@situation(CANNOT)
async def no_version(place: Place) -> Object:
    stage = at(place)
    await stage.deploy()
    await stage.step()
    return await stage.get()


@situation(CANNOT)
async def version_not_usable(place: Place) -> Object:
    stage = await serving(place, version=1)
    await stage.deploy(version=9)
    await stage.step()
    return await stage.get()


@situation(CANNOT)
async def name_taken(place: Place) -> Object:
    head = {"namespace": place.namespace, "name": NAME}
    await place.admin.create(HTTP_ROUTE, {"metadata": head, "spec": {}})
    stage = await beginning(place)
    await stage.step()
    return await stage.get()


@situation(CANNOT)
async def revision_failed(place: Place) -> Object:
    stage = await beginning(place)
    await stage.step()
    await stage.play()
    ended = {"exitCode": 1, "reason": "Error", "message": "KeyError: 'x'", "finishedAt": None, "startedAt": None}
    container = {"name": "kserve-container", "image": "x:1", "imageID": "", "ready": False, "restartCount": 3}
    state = {"terminated": {key: value for key, value in ended.items() if value is not None}}
    ready = [{"type": "Ready", "status": "False"}]
    await pods_say(stage, {"conditions": ready, "containerStatuses": [{**container, "state": state}]})
    await stage.step()
    return await stage.get()


@situation(CANNOT)
async def child_refused(place: Place) -> Object:
    place.none_of("inferenceservices.serving.kserve.io")
    stage = await beginning(place)

    async def refused() -> bool:
        await stage.step()
        return "Stalled" in await stage.conditions()

    await eventually(refused, "the quota refuses the InferenceService")
    return await stage.get()


@situation(CANNOT)
async def route_refused(place: Place) -> Object:
    stage = await beginning(place)
    for _ in range(2):
        await stage.step()
        await stage.play()
    route = await place.read(HTTP_ROUTE, NAME)
    refused = route["status"]["parents"][0]
    for each in refused["conditions"]:
        each |= {"status": "False", "reason": "NotAllowedByListeners", "message": "No listener allows it."}
    await place.admin.apply_status(
        HTTP_ROUTE,
        {"metadata": {"namespace": place.namespace, "name": NAME}, "status": {"parents": [refused]}},
        manager="test",
    )
    await stage.step()
    return await stage.get()


@situation(CANNOT)
async def gateway_not_found(place: Place) -> Object:
    stage = await beginning(place, router=NOWHERE)
    for _ in range(3):
        await stage.step()
        await stage.play()
    return await stage.get()


@situation(CANNOT)
async def gateway_not_ready(place: Place) -> Object:
    spec = {"gatewayClassName": "nobody", "listeners": [{"name": "http", "protocol": "HTTP", "port": 8080}]}
    await place.admin.create(GATEWAY, {"metadata": {"namespace": place.namespace, "name": "gw"}, "spec": spec})
    stage = await beginning(place, router={"gatewayRef": {"name": "gw"}, "hostname": "late.localhost"})
    for _ in range(3):
        await stage.step()
        await stage.play()
    return await stage.get()


@situation(CANNOT, bare=True)
async def kserve_not_installed(place: Place) -> Object:
    stage = await beginning(place)
    await stage.step()
    return await stage.get()


@situation(NOTHING)
async def no_pod_is_ready(place: Place) -> Object:
    stage = await serving(place)
    await pods_say(stage, {"conditions": [{"type": "Ready", "status": "False"}]})
    await stage.step()
    return await stage.get()


@situation(NOTHING)
async def no_pod_is_ready_in_a_rollout(place: Place) -> Object:
    stage = await in_traffic(place)
    for pod in await place.admin.list(POD, place.namespace):
        if await is_stable(stage, pod):
            await place.says(POD, pod, {"conditions": [{"type": "Ready", "status": "False"}]})
    await stage.step()
    return await stage.get()


@situation(NOTHING)
async def the_gateway_is_gone(place: Place) -> Object:
    stage = await serving(place)
    await stage.deploy(router=NOWHERE)
    await stage.step()
    return await stage.get()


@situation(NOTHING, bare=True)
async def gateway_not_installed(place: Place) -> Object:
    definitions = [definition(kind) for kind in (INFERENCE_SERVICE, SERVING_RUNTIME)]
    place.kubectl("apply", "--server-side", "-f", "-", stdin=yaml.safe_dump_all(definitions))
    place.kubectl.wait_for_definitions()
    stage = await beginning(place)
    await served(stage.step)
    for service in await place.admin.list(INFERENCE_SERVICE, place.namespace):
        await stage._pod(service["metadata"]["name"], service)
    await stage.step()
    return await stage.get()


async def served(step: Callable[[], Awaitable[None]]) -> None:
    """A pass, tried again while the storage of new definitions is not there yet."""

    async def attempt() -> bool:
        try:
            await step()
        except Unavailable:
            return False
        return True

    await eventually(attempt, "the new kinds are served")
