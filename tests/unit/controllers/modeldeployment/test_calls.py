"""What a pass and a step cost the apiserver, in every phase of the main job."""

from __future__ import annotations

from collections import Counter

from perennial.controllers.modeldeployment.gateways import Gateways
from perennial.controllers.modeldeployment.plan import COUNTING_SECONDS, ROLLING_SECONDS
from perennial.ports.kinds import GATEWAY, POD
from perennial.rollout import Verdict
from tests.unit.controllers.modeldeployment.objects import version
from tests.unit.controllers.modeldeployment.world import World

READS = 8
WRITES = 4
OF_THE_GATEWAY = {"Gateway", "Service"}


class Counted(World):
    """A world that notes the kinds that each pass has read and written."""

    def start(self) -> None:
        super().start()
        self.reads: list[Counter[str]] = []
        self.written: list[list[str]] = []

    async def step(self) -> float | None:
        reads, writes = len(self.kube.reads), len(self.kube.writes)
        try:
            return await super().step()
        finally:
            self.reads.append(Counter(kind for _, kind in self.kube.reads[reads:]))
            self.written.append([f"{each.kind}{each.subresource}" for each in self.kube.writes[writes:]])


async def the_main_job() -> Counted:
    world = Counted(version(1))
    await world.in_traffic()
    world.analysis.says(Verdict.ADVANCE)
    await world.until_followed(1)
    world.analysis.says(Verdict.PROMOTE)
    await world.settle()
    world.kube.put(version(3))
    await world.until_followed(0, first=True)
    world.analysis.says(Verdict.ROLL_BACK)
    await world.settle()
    assert [each["outcome"] for each in (await world.status())["history"]] == ["RolledBack", "Promoted", "Deployed"]
    return world


async def test_a_pass_reads_eight_times_besides_its_gateway() -> None:
    world = await the_main_job()
    quiet = [reads for reads, written in zip(world.reads, world.written, strict=True) if not written]
    assert quiet
    for reads in quiet:
        assert set(reads.values()) == {1}
        assert sum(count for kind, count in reads.items() if kind not in OF_THE_GATEWAY) == READS
    # What is about to get a name of ours is looked at once more, so that it takes nobody's.
    assert max(sum(reads.values()) for reads in world.reads) <= READS + len(OF_THE_GATEWAY) + 3


async def test_a_step_writes_four_times_at_most() -> None:
    world = Counted(version(1))
    await world.in_traffic()
    begun = len(world.written)
    world.analysis.says(Verdict.ADVANCE)
    await world.until_followed(1)
    world.analysis.says(Verdict.HOLD)
    await world.settle()
    writes = [write for written in world.written[begun:] for write in written if write != "Event"]
    assert writes.count("HTTPRoute") == 1
    assert 2 <= len(writes) <= WRITES, writes


async def test_passes_of_one_moment_share_what_is_read_of_the_gateway() -> None:
    world = World(version(1))
    gateways = Gateways(world.kube, world.clock, seconds=5)
    views = [await gateways.view("envoy-gateway-system", "gw", unmerged) for unmerged in (False, True)]
    assert world.kube.reads == [("get", "Gateway"), ("list", "Service")]
    assert [view.unmerged for view in views] == [False, True]
    world.clock.advance(5)
    await gateways.view("envoy-gateway-system", "gw")
    assert len(world.kube.reads) == 4


async def test_after_an_event_of_a_gateway_nothing_older_is_told() -> None:
    world = World(version(1))
    gateways = Gateways(world.kube, world.clock, seconds=5)
    assert (await gateways.view("envoy-gateway-system", "gw")).gateway is not None
    world.kube.drop(GATEWAY, "envoy-gateway-system", "gw")
    gateways.told(POD)
    assert (await gateways.view("envoy-gateway-system", "gw")).gateway is not None
    gateways.told(GATEWAY)
    assert (await gateways.view("envoy-gateway-system", "gw")).gateway is None


async def test_a_gateway_that_is_missing_is_looked_for_each_time() -> None:
    world = World(version(1))
    gateways = Gateways(world.kube, world.clock, seconds=5)
    for _ in range(2):
        assert (await gateways.view("flights", "gw")).gateway is None
    assert len(world.kube.reads) == 2


async def test_a_canary_that_is_being_counted_is_looked_at_once_a_minute() -> None:
    world = World(version(1))
    await world.in_traffic()
    world.analysis.says(Verdict.HOLD)
    await world.settle()
    assert await world.step() == COUNTING_SECONDS
    # Anything else that is waited for is looked for soon, should its event be missed.
    await world.route_taken("False")
    assert await world.step() == ROLLING_SECONDS


async def test_while_others_wait_a_rollback_is_its_route_and_the_rest_follows() -> None:
    alone, crowded = Counted(version(1)), Counted(version(1))
    for world in (alone, crowded):
        await world.in_traffic()
        world.analysis.says(Verdict.ROLL_BACK)
    crowded.reconciler._waiting = lambda: 3
    assert await crowded.step() == 0.0
    assert crowded.written[-1] == ["HTTPRoute"]
    assert await crowded.weights() == {1: 100, 2: 0}
    for world in (alone, crowded):
        await world.play()
        await world.settle()
    assert await crowded.conditions() == await alone.conditions()
    assert await crowded.events() == await alone.events()
    assert await crowded.outcomes() == await alone.outcomes()
    assert (await crowded.outcomes())[2] == "RolledBack"
    assert (await crowded.status())["history"][0]["message"] == (await alone.status())["history"][0]["message"]
