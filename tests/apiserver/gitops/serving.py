"""The situations of a ModelDeployment, each by what the cluster, people and the evidence did."""

from __future__ import annotations

from typing import Any

from perennial.ports.kinds import POD
from perennial.ports.kube import Object
from perennial.rollout import HoldReason, Verdict
from tests.apiserver.gitops.place import Place, Situations
from tests.apiserver.modeldeployment.stage import Stage

situation = Situations("ModelDeployment")

SERVES = "the target serves"
FIRST = "first version on its way"
ROLLING = "a new version on its way"
PERSON = "waiting for a person"
UNDECIDED = "undecided for too long"


def at(place: Place) -> Stage:
    return Stage(place.namespace, place.admin, place.operator)


async def beginning(place: Place, **spec: Any) -> Stage:
    """Version 1 is approved and wanted; no pass was made yet."""
    stage = at(place)
    await stage.release(1)
    await stage.deploy(**spec)
    return stage


async def serving(place: Place, **spec: Any) -> Stage:
    """Version 1 serves and is at rest."""
    stage = await beginning(place, **spec)
    await stage.settle()
    return stage


async def compared(place: Place, **spec: Any) -> Stage:
    """Version 2 is ready beside version 1, and its evidence is asked for."""
    stage = await serving(place, **spec)
    await stage.release(2)
    await stage.until_followed(-1)
    return stage


async def in_traffic(place: Place, **spec: Any) -> Stage:
    """Version 2 gets the first step's share."""
    stage = await compared(place, **spec)
    stage.analysis.says(Verdict.HOLD)
    await stage.until_followed(0)
    return stage


async def held(place: Place, reason: HoldReason) -> Object:
    stage = await in_traffic(place)
    stage.analysis.says(Verdict.HOLD, reason=reason.value)
    await stage.step()
    return await stage.get()


@situation(SERVES)
async def serves(place: Place) -> Object:
    return await (await serving(place)).get()


@situation(SERVES)
async def backends_not_merged(place: Place) -> Object:
    stage = await serving(place)
    stage.reconciler._unmerged = lambda *_: True
    await stage.step()
    return await stage.get()


@situation(SERVES)
async def promoted(place: Place) -> Object:
    stage = await in_traffic(place)
    stage.analysis.says(Verdict.ADVANCE)
    await stage.until_followed(1)
    stage.analysis.says(Verdict.PROMOTE)
    await stage.settle()
    return await stage.get()


@situation("baking")
async def baking(place: Place) -> Object:
    stage = await in_traffic(place, bake={"seconds": 600})
    stage.analysis.says(Verdict.ADVANCE)
    await stage.until_followed(1)
    stage.analysis.says(Verdict.PROMOTE)
    await stage.settle()
    return await stage.get()


@situation(FIRST)
async def not_looked_at(place: Place) -> Object:
    return await (await beginning(place)).get()


@situation(FIRST)
async def preparing_the_first(place: Place) -> Object:
    stage = await beginning(place)
    await stage.step()
    return await stage.get()


@situation(FIRST)
async def preflight_of_the_first(place: Place) -> Object:
    stage = await beginning(place)
    for _ in range(4):
        await stage.step()
        if (await stage.conditions())["Reconciling"][1] == "Preflight":
            break
        await stage.play()
    return await stage.get()


@situation(ROLLING)
async def preparing(place: Place) -> Object:
    stage = await serving(place)
    await stage.release(2)
    await stage.step()
    return await stage.get()


@situation(ROLLING)
async def warming_up(place: Place) -> Object:
    stage = await compared(place)
    await stage.step()
    return await stage.get()


@situation(ROLLING)
async def stepping(place: Place) -> Object:
    stage = await compared(place)
    stage.analysis.says(Verdict.HOLD)
    await stage.step()
    return await stage.get()


@situation(ROLLING)
async def changed_spec_not_looked_at(place: Place) -> Object:
    stage = await serving(place)
    return await stage.deploy(serving={"env": [{"name": "SOME", "value": "thing"}]})


@situation(ROLLING)
async def insufficient_evidence(place: Place) -> Object:
    return await held(place, HoldReason.INSUFFICIENT_EVIDENCE)


@situation(ROLLING)
async def minimum_time(place: Place) -> Object:
    return await held(place, HoldReason.MINIMUM_TIME)


@situation(ROLLING)
async def no_traffic(place: Place) -> Object:
    return await held(place, HoldReason.NO_TRAFFIC)


@situation(ROLLING)
async def metrics_unavailable(place: Place) -> Object:
    return await held(place, HoldReason.METRICS_UNAVAILABLE)


@situation(ROLLING)
async def capacity_not_ready(place: Place) -> Object:
    stage = await in_traffic(place)
    stage.analysis.says(Verdict.ADVANCE)
    await stage.until_followed(1)
    (stable,) = [pod for pod in await place.admin.list(POD, place.namespace) if await is_stable(stage, pod)]
    head = {"namespace": place.namespace, "name": "one-more", "labels": stable["metadata"]["labels"]}
    one_more = await place.admin.create(POD, {"metadata": head, "spec": {"containers": stable["spec"]["containers"]}})
    await place.says(POD, one_more, {"conditions": [{"type": "Ready", "status": "True"}]})
    stage.analysis.says(Verdict.PROMOTE)
    await stage.step()
    return await stage.get()


async def is_stable(stage: Stage, pod: Object) -> bool:
    service: str = (await stage.status())["stable"]["inferenceService"]
    return bool(pod["metadata"]["name"] == f"{service}-pod")


@situation(ROLLING)
async def withdrawn(place: Place) -> Object:
    stage = await in_traffic(place)
    stage.analysis.says(Verdict.WITHDRAW, message="Its series are gone.")
    await stage.step()
    return await stage.get()


@situation(ROLLING)
async def on_preview(place: Place) -> Object:
    stage = await serving(place, strategy={"blueGreen": {"previewSeconds": 300}})
    await stage.release(2)
    for _ in range(8):
        await stage.step()
        if (await stage.conditions())["Reconciling"][1] == "Preview":
            break
        await stage.play()
    return await stage.get()


@situation(ROLLING)
async def undecidable_in_time(place: Place) -> Object:
    stage = await in_traffic(place)
    stage.analysis.says(Verdict.HOLD, decidable="It would take about 9 h at 2 requests/s.")
    await stage.step()
    return await stage.get()


@situation(PERSON)
async def awaiting_promotion(place: Place) -> Object:
    steps = [{"weight": 10, "gate": "Manual"}, {"weight": 50}]
    stage = await in_traffic(place, strategy={"canary": {"steps": steps}})
    stage.analysis.says(Verdict.ADVANCE)
    await stage.step()
    return await stage.get()


@situation(PERSON)
async def paused(place: Place) -> Object:
    stage = await in_traffic(place)
    await stage.deploy(paused=True)
    stage.analysis.says(Verdict.ADVANCE)
    await stage.step()
    return await stage.get()


@situation(PERSON)
async def paused_before_it_began(place: Place) -> Object:
    stage = await serving(place, paused=True)
    await stage.release(2)
    await stage.step()
    return await stage.get()


@situation(UNDECIDED)
async def time_cap_reached(place: Place) -> Object:
    return await held(place, HoldReason.TIME_CAP_REACHED)
