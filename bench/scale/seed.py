"""Rollouts in the middle of their first step, as an operator has left them: written to a real apiserver.

One rollout is played through the reconciler in memory; what it wrote is cloned under other names, with the uids that
the apiserver gives. So a thousand rollouts are there in a minute, and the operator under test finds nothing to mend.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from perennial.api.modeldeployment import ModelDeploymentSpec
from perennial.controllers.modeldeployment import naming
from perennial.controllers.modeldeployment.watched import plan_of
from perennial.core.analysis_types import Watched
from perennial.core.clock import FakeClock
from perennial.core.conditions import format_time
from perennial.core.connecting import sources
from perennial.core.progress import Progress, Seen, stored
from perennial.core.sources import Source
from perennial.ports import kinds
from perennial.ports.kinds import Kind
from perennial.ports.kube import KubeClient, Object
from perennial.ports.kube_fake import RecordingKube
from perennial.rollout import HoldReason, Verdict, engine
from perennial.rollout.evalue import Counts
from tests.apiserver.modeldeployment.stage import CONTAINED, RESTRICTED
from tests.unit.controllers.modeldeployment.objects import NAME, NAMESPACE, version
from tests.unit.controllers.modeldeployment.world import SETTINGS, World

PER_NAMESPACE = 20
AT_ONCE = 12
HOUR = 3600.0
STEPS = [{"weight": 10, "minSeconds": 43200}, {"weight": 50}]
KINDS = {each.kind: each for each in vars(kinds).values() if isinstance(each, Kind)}
NOT_CLONED = {"ModelDeployment", "ModelVersion", "Gateway", "Service", "Job", "Event", "Pod"}


@dataclass(frozen=True)
class Rollout:
    """A rollout, and the InferenceServices of its versions."""

    namespace: str
    name: str
    stable: str
    canary: str


@dataclass(frozen=True)
class Template:
    """The objects of one rollout in the played cluster."""

    objects: list[Object]

    def of(self, kind: str) -> list[Object]:
        """Those of a kind."""
        return [each for each in self.objects if each["kind"] == kind]

    def renamed(self, objects: Iterable[Object], place: Rollout, uids: dict[str, str]) -> list[Object]:
        """Under another name, in another namespace, with uids of the apiserver's."""
        text = re.sub(rf"\b{NAME}\b", place.name, json.dumps(list(objects)))
        text = re.sub(rf"\b{NAMESPACE}\b", place.namespace, text)
        for old, new in uids.items():
            text = text.replace(json.dumps(old), json.dumps(new))
        found: list[Object] = json.loads(text)
        return found


async def template(analysis: dict[str, Any]) -> Template:
    """Play the main job up to the canary's first step."""
    world = World(version(1), strategy={"canary": {"steps": STEPS}}, analysis=analysis)
    world.clock = FakeClock(datetime.now(UTC).replace(microsecond=0))
    world.start()
    await world.in_traffic()
    kube: RecordingKube = world.kube
    return Template([obj for kind in KINDS.values() for obj in await kube.list(kind)])


def places(count: int, played: Template) -> list[Rollout]:
    """Where the clones go."""
    status = played.of("ModelDeployment")[0]["status"]
    stable, canary = (status[role]["inferenceService"] for role in ("stable", "canary"))

    def at(number: int) -> Rollout:
        name = f"m{number:04d}"
        services = (each.replace(NAME, name, 1) for each in (stable, canary))
        return Rollout(f"team-{number // PER_NAMESPACE:02d}", name, *services)

    return [at(number) for number in range(count)]


class Seeder:
    """Writes the clones."""

    def __init__(self, admin: KubeClient, played: Template) -> None:
        """``admin`` may do everything."""
        self._admin, self._played = admin, played
        self._free = asyncio.Semaphore(AT_ONCE)

    async def all(self, rollouts: list[Rollout]) -> None:
        """Every rollout."""
        await asyncio.gather(*(self._limited(each) for each in rollouts))

    async def _limited(self, place: Rollout) -> None:
        async with self._free:
            await self._one(place)

    async def _one(self, place: Rollout) -> None:
        uids: dict[str, str] = {}
        deployment = self._played.of("ModelDeployment")[0]
        owner = await self._made(deployment, place, uids, "person")
        for obj in self._played.of("ModelVersion"):
            # Its Verified condition is played: no Job looks at any bytes here.
            made = await self._made(obj, place, uids, "person")
            await self._says(made, self._played.renamed([obj], place, uids)[0]["status"], "perennial-modelversion")
        for obj in self._played.objects:
            if obj["kind"] not in NOT_CLONED:
                made = await self._made(obj, place, uids, naming.MANAGER)
                if obj["kind"] == "HTTPRoute":
                    await take_route(self._admin, made)
                if obj["kind"] == "InferenceService":
                    await self._pod(made)
        status = self._played.renamed([deployment], place, uids)[0]["status"]
        status["analysis"] = _analysis(owner, status)
        await self._says(owner, status, naming.MANAGER)

    async def _made(self, obj: Object, place: Rollout, uids: dict[str, str], manager: str) -> Object:
        intent = self._played.renamed([obj], place, uids)[0]
        kept = {key: intent["metadata"][key] for key in intent["metadata"] if key in _METADATA}
        body = {**{key: value for key, value in intent.items() if key != "status"}, "metadata": kept}
        made = await self._admin.apply(KINDS[obj["kind"]], body, manager=manager)
        uids[obj["metadata"]["uid"]] = made["metadata"]["uid"]
        return made

    async def _pod(self, service: Object) -> None:
        metadata = {
            "namespace": service["metadata"]["namespace"],
            "name": f"{service['metadata']['name']}-pod",
            "labels": service["metadata"]["labels"],
        }
        container = {"name": "kserve-container", "image": "x:1", "securityContext": CONTAINED}
        made = await self._admin.create(
            kinds.POD, {"metadata": metadata, "spec": {"securityContext": RESTRICTED, "containers": [container]}}
        )
        ready = {"type": "Ready", "status": "True", "lastTransitionTime": format_time(datetime.now(UTC))}
        await self._says({**made, "kind": "Pod"}, {"conditions": [ready]}, "played")

    async def _says(self, obj: Object, status: dict[str, Any], manager: str) -> None:
        metadata = {key: obj["metadata"][key] for key in ("namespace", "name")}
        kind = KINDS[obj["kind"]]
        await self._admin.apply_status(kind, {"metadata": metadata, "status": status}, manager=manager)


_METADATA = ("namespace", "name", "labels", "annotations", "ownerReferences")


def _analysis(deployment: Object, status: dict[str, Any]) -> dict[str, Any]:
    """The evidence at its start, so that the operator goes on from here and asks for no rollout's history."""
    spec = ModelDeploymentSpec.model_validate(deployment["spec"])
    canary, since = status["canary"], datetime.now(UTC)
    watched = Watched(
        key=deployment["metadata"]["name"],
        namespace=deployment["metadata"]["namespace"],
        stable=status["stable"]["inferenceService"],
        canary=canary["inferenceService"],
        revision=f"{deployment['metadata']['uid']}/{canary['revision']}/{canary['started']}",
        plan=plan_of(spec, SETTINGS),
        step=0,
        weight_since=since,
        step_since=since,
    )
    return {
        "verdict": Verdict.HOLD.value,
        "reason": HoldReason.INSUFFICIENT_EVIDENCE.value,
        "message": "Not decided yet.",
        "checkpoint": begun(watched, time.time()),
        "time": format_time(since),
    }


def begun(watched: Watched[Any], now: float) -> str:
    """The checkpoint of a rollout whose evidence begins with the next poll after `now`, stable being known."""
    plan, question = watched.plan, _source().question(watched.metrics)
    known = engine.History(Counts(324_000, 3_240), HOUR, 100.0)
    state = engine.start(plan, {metric.name: known for metric in plan.metrics})
    at = (now // plan.poll_seconds - 1) * plan.poll_seconds
    seen = {name: Seen(at, at) for name in question.families}
    return stored(watched, question, Progress(at, (), state, ready=True, seen=seen))


def _source() -> Source:
    return sources(SETTINGS.model_copy(update={"prometheus_url": "http://127.0.0.1"})).by_name[""]


async def take_route(admin: KubeClient, route: Object) -> None:
    """The gateway says that it has taken the route as it is now."""
    now = format_time(datetime.now(UTC))
    said = {"status": "True", "reason": "Accepted", "message": "", "lastTransitionTime": now}
    said["observedGeneration"] = route["metadata"]["generation"]
    conditions = [{"type": kind, **said} for kind in ("Accepted", "ResolvedRefs")]
    parent = {"controllerName": "gateway.envoyproxy.io/eg", "parentRef": route["spec"]["parentRefs"][0]}
    metadata = {key: route["metadata"][key] for key in ("namespace", "name")}
    status = {"parents": [{**parent, "conditions": conditions}]}
    await admin.apply_status(kinds.HTTP_ROUTE, {"metadata": metadata, "status": status}, manager="played")
