"""Whatever happens in whatever order, with a crash between any two writes: what must hold holds at every write."""

from __future__ import annotations

import random
from typing import Any

import pytest

from perennial.controllers.modeldeployment.route import read
from perennial.core.analysis_types import Watched
from perennial.core.queue import Key
from perennial.ports.kinds import CONTROLLER_REVISION, HTTP_ROUTE, POD, Kind
from perennial.ports.kube_fake import Object, RecordingKube
from perennial.rollout import Verdict
from tests.unit.controllers.modeldeployment.objects import NAME, NAMESPACE, version
from tests.unit.controllers.modeldeployment.world import World

SEEDS = range(80)
ACTIONS = 60
ABSENT = 9
BAKE = {"seconds": 20, "holdbackPercent": 5}
CANARY = {"canary": {"steps": [{"weight": 10}, {"weight": 50}]}}
OTHERS: list[dict[str, Any]] = [{"blueGreen": {"previewSeconds": 10}}, {"shadow": {"percent": 30}}, {"recreate": {}}]
OTHER_SEEDS = range(20)


class Crash(Exception):  # noqa: N818  not an error of ours
    """The operator ended."""


class WatchedKube(RecordingKube):
    """Checks every write before it takes effect, and ends the operator when `left` writes have been made."""

    def __init__(self) -> None:
        super().__init__()
        self.left: int | None = None
        self.verdict: Verdict | None = None
        self.said: dict[str, str] = {}
        """spec.rollout as the pass reads it."""
        self.stable: set[str] = set()
        self.was_ready: set[str] = set()
        self.rolled_back: set[str] = set()
        self.last = ""

    def _record(self, verb: str, kind: Kind, obj: Object, subresource: str = "", manager: str = "") -> None:
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                raise Crash
        self._check(verb, kind, obj)
        super()._record(verb, kind, obj, subresource, manager)

    def _check(self, verb: str, kind: Kind, obj: Object) -> None:
        if kind == HTTP_ROUTE and verb == "patch":
            self._check_weights(obj)
        elif kind == CONTROLLER_REVISION and verb == "patch":
            self._check_memory(obj["metadata"])
        elif kind.kind == "ModelDeployment":
            self._check_status(obj["status"])
        elif kind.kind in ("InferenceService", "ServingRuntime") and verb == "delete":
            live = self._store.get(("HTTPRoute", NAMESPACE, NAME))
            assert obj["metadata"]["name"] not in read(live).services, "the route still names it"

    def _check_weights(self, obj: Object) -> None:
        live = read(obj)
        served = {service: weight for service, weight in live.weights.items() if weight}
        assert not live.weights or sum(served.values()) == 100
        assert served.keys() <= self.was_ready, "requests to a revision that was never ready"
        assert served.keys() & self.stable or not served, "no request to stable"
        assert not served.keys() & (self.rolled_back - self.stable), "requests to what was rolled back"
        assert all(weight != 100 or service in self.stable for service, weight in served.items())
        self.rolled_back |= {f"{NAME}-{revision}" for revision in live.rolled_back}

    def _check_memory(self, metadata: dict[str, Any]) -> None:
        """A rollback is forgotten only for a token that no record has yet, and the token is in the same write."""
        if metadata["name"] not in self.rolled_back or metadata["labels"].get("perennial.dev/outcome") == "RolledBack":
            return
        records = [each["metadata"] for (kind, *_), each in self._store.items() if kind == "ControllerRevision"]
        used = {each.get("annotations", {}).get("perennial.dev/retried") for each in records}
        token = self.said.get("retry")
        assert token is not None, "a rollback was forgotten"
        assert token not in used, "a rollback was forgotten for a token that was used"
        assert metadata["annotations"]["perennial.dev/retried"] == token
        assert metadata["name"] != f"{NAME}-{self.said.get('reject')}", "a rejection wins"
        self.rolled_back.discard(metadata["name"])

    def _check_status(self, status: dict[str, Any]) -> None:
        types = {each["type"] for each in status["conditions"]}
        assert not {"Reconciling", "Stalled"} <= types
        stable = status.get("stable")
        assert stable or not self.stable, "stable was set once"
        if stable and stable["inferenceService"] not in self.stable:
            by_hand = stable["revision"] == self.said.get("promote")
            assert self.verdict is Verdict.PROMOTE or by_hand or not self.stable, "a promotion without a verdict"
            self.stable.add(stable["inferenceService"])
        if stable and self.last and self.last != stable["inferenceService"] and self.last in self.rolled_back:
            # It would need another verdict to serve again.
            self.stable.discard(self.last)
        self.last = stable["inferenceService"] if stable else self.last


class Chaos:
    """A world to which anything may happen."""

    def __init__(self, seed: int, strategy: dict[str, Any]) -> None:
        self.random = random.Random(seed)
        self.kube = WatchedKube()
        versions = (version(1), version(2), version(3))
        spec = {"version": 1, "bake": BAKE, "scaleDownSeconds": 30, "strategy": strategy}
        self.world = World(*versions, kube=self.kube, **spec)

    async def act(self) -> None:
        acts = [
            *([self.run_pass] * 8),
            *([self.cluster] * 4),
            *([self.evidence] * 3),
            self.crash,
            self.crash,
            self.spec,
            self.person,
            self.person,
            self.wipe,
            self.time,
            self.pod_ends,
        ]
        await self.random.choice(acts)()

    async def run_pass(self) -> None:
        reading = self.world.analysis.reading
        self.kube.verdict = reading.verdict if reading else None
        self.kube.said = (await self.world.get())["spec"].get("rollout", {})
        before, services = await self.world.status(), set(await self.world.services())
        try:
            await self.world.step()
        finally:
            await self.check_pause(before, services)

    async def check_pause(self, before: dict[str, Any], services: set[str]) -> None:
        """While paused nothing begins, and no request moves to a canary, unless a person promotes it."""
        if not (await self.world.get())["spec"].get("paused") or "stable" not in before:
            return
        after = await self.world.status()
        canary, known = after.get("canary"), before.get("canary", {})
        if canary:
            assert (canary["revision"], canary["weight"]) == (known.get("revision"), known["weight"])
        if after["stable"] != before["stable"]:
            proven = before.get("previous", {}).get("revision")
            assert after["stable"]["revision"] in (self.kube.said.get("promote"), proven)
        live = {before.get(role, {}).get("inferenceService") for role in ("stable", "canary", "previous")}
        assert set(await self.world.services()) - services <= live

    async def crash(self) -> None:
        """The operator ends in the middle of a pass and starts again."""
        self.kube.left = self.random.randrange(6)
        try:
            await self.run_pass()
        except Crash:
            self.world.start()
        self.kube.left = None

    async def cluster(self) -> None:
        await self.random.choice([self.world.serve, self.world.route_taken, self.world.preflight])()
        self.note_ready(await self.kube.list(POD, NAMESPACE))

    def note_ready(self, pods: list[Object]) -> None:
        for pod in pods:
            if pod["status"]["conditions"][0]["status"] == "True":
                self.kube.was_ready.add(pod["metadata"]["name"].removesuffix("-pod"))

    async def evidence(self) -> None:
        weights = {Verdict.HOLD: 4, Verdict.ADVANCE: 4, Verdict.PROMOTE: 3, Verdict.ROLL_BACK: 1, Verdict.WITHDRAW: 1}
        verdict = self.random.choices(list(weights), list(weights.values()))[0]
        followed = self.world.analysis.watched
        if verdict in (Verdict.ADVANCE, Verdict.PROMOTE) and followed:
            verdict = verdict_at(followed)
        self.world.analysis.says(verdict)

    async def spec(self) -> None:
        await self.world.change(version=self.random.choice([1, 2, 3, ABSENT]))

    async def person(self) -> None:
        """A person pauses, or says something of a revision, or leaves all that."""
        records = await self.kube.list(CONTROLLER_REVISION, NAMESPACE)
        revisions = [each["metadata"]["labels"]["perennial.dev/revision"] for each in records] or ["none"]
        said = {"promote": self.random.choice(revisions), "reject": self.random.choice(revisions)}
        said["retry"] = self.random.choice("abcdef")
        chosen = {field: value for field, value in said.items() if self.random.random() < 0.3}
        await self.world.change(paused=self.random.random() < 0.4, rollout=chosen)

    async def wipe(self) -> None:
        await self.world.wipe()

    async def time(self) -> None:
        self.world.clock.advance(self.random.choice([1, 10, 40]))

    async def pod_ends(self) -> None:
        """A pod is lost, or its model ends it again and again."""
        pods = await self.kube.list(POD, NAMESPACE)
        if not pods:
            return
        service = self.random.choice(pods)["metadata"]["name"].removesuffix("-pod")
        if self.random.random() < 0.5:
            self.kube.drop(POD, NAMESPACE, f"{service}-pod")
        else:
            ended = {"terminated": {"exitCode": 1, "message": "no"}}
            await self.world.pod(service, restartCount=2, ready=False, lastState=ended)

    async def calm(self) -> None:
        """Nothing bad happens any more, every canary is good, and what is asked for is there."""
        await self.world.change(paused=False)
        if (await self.world.get())["spec"]["version"] == ABSENT:
            await self.world.change(version=2)
        for pod in await self.kube.list(POD, NAMESPACE):
            self.kube.drop(POD, NAMESPACE, pod["metadata"]["name"])
        for _ in range(60):
            await self.world.play()
            self.note_ready(await self.kube.list(POD, NAMESPACE))
            followed = self.world.analysis.watched
            if followed:
                self.world.analysis.says(verdict_at(followed))
            before = len(self.kube.writes)
            await self.run_pass()
            waits = (await self.world.status()).get("withdrawn")
            if len(self.kube.writes) == before and not self.world.analysis.watched and not waits:
                return
            self.world.clock.advance(1800 if waits else 5)
        raise AssertionError(f"no rest: {self.kube.writes[-1]}")


def verdict_at(followed: Watched[Key]) -> Verdict:
    """What the evidence says of a good canary at the step that is followed."""
    left = followed.plan.bake - followed.step
    return {1: Verdict.PROMOTE, 0: Verdict.HOLD}.get(left, Verdict.ADVANCE)


@pytest.mark.parametrize("seed", SEEDS)
async def test_anything_in_any_order(seed: int) -> None:
    await anything(Chaos(seed, CANARY))


@pytest.mark.parametrize("seed", OTHER_SEEDS)
@pytest.mark.parametrize("strategy", OTHERS, ids=lambda each: next(iter(each)))
async def test_anything_in_any_order_with_another_strategy(strategy: dict[str, Any], seed: int) -> None:
    await anything(Chaos(seed, strategy))


async def anything(chaos: Chaos) -> None:
    for _ in range(ACTIONS):
        await chaos.act()
    await chaos.calm()
    await at_the_target_or_rolled_back(chaos.world)


async def at_the_target_or_rolled_back(world: World) -> None:
    wanted = (await world.get())["spec"]["version"]
    status, conditions = await world.status(), await world.conditions()
    stable = status["stable"]
    if stable["version"] == wanted:
        assert conditions["UpToDate"] == ("True", "TargetServes")
    else:
        assert conditions["Stalled"] == ("True", "RolledBack")
        assert (await world.outcomes())[wanted] == "RolledBack"
    assert {v: w for v, w in (await world.weights()).items() if w} == {stable["version"]: 100}
    assert conditions["Ready"] == ("True", "Serving")
    live = {each.get("inferenceService") for each in (stable, status.get("previous", {}))}
    assert set(await world.services()) == live - {None}
    records = await world.kube.list(CONTROLLER_REVISION, NAMESPACE)
    assert len(records) <= 3
