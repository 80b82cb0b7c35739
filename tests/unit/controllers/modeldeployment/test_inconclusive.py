"""What is undecided when its time is over, and what cannot be decided in time."""

from __future__ import annotations

from typing import Any

import pytest

from perennial.rollout import Verdict
from tests.unit.controllers.modeldeployment.objects import version
from tests.unit.controllers.modeldeployment.world import World

STEPS = [{"weight": 10}, {"weight": 50}]
GATED = [{"weight": 10, "gate": "Manual"}, {"weight": 50}]


async def at_the_cap(choice: str, **spec: Any) -> World:
    world = World(version(1), analysis={"onInconclusive": choice}, **spec)
    await world.in_traffic()
    world.analysis.says(Verdict.HOLD, reason="TimeCapReached", message="Undecided after 4 h.")
    await world.step()
    return world


async def test_by_default_a_person_decides() -> None:
    world = await at_the_cap("Hold")
    assert (await world.conditions())["Reconciling"] == ("True", "TimeCapReached")
    assert await world.weights() == {1: 90, 2: 10}


async def test_it_is_rolled_back_if_the_spec_says_so() -> None:
    world = await at_the_cap("RollBack")
    assert await world.weights() == {1: 100, 2: 0}
    assert (await world.conditions())["Stalled"] == ("True", "RolledBack")
    assert "analysis.onInconclusive is RollBack" in await world.says("Stalled")


async def test_it_is_promoted_if_the_spec_says_so_and_bakes() -> None:
    world = await at_the_cap("Promote", bake={"seconds": 600})
    await world.play()
    await world.settle()
    assert await world.weights() == {1: 2, 2: 98}
    status = await world.status()
    assert "analysis.onInconclusive is Promote" in status["history"][0]["message"]
    assert status["analysis"]["verdict"] == "Promote"


async def test_a_gate_holds_that_promotion_too() -> None:
    world = await at_the_cap("Promote", strategy={"canary": {"steps": GATED}})
    assert (await world.conditions())["Reconciling"] == ("True", "AwaitingPromotion")


@pytest.mark.parametrize("choice", ["RollBack", "Promote"])
async def test_nothing_of_it_happens_at_a_weight_by_hand_or_while_paused(choice: str) -> None:
    hand = {"canary": {"steps": STEPS, "weight": 10}}
    for spec in ({"strategy": hand}, {"paused": True}):
        world = World(version(1), analysis={"onInconclusive": choice})
        await world.in_traffic()
        await world.change(**spec)
        world.analysis.says(Verdict.HOLD, reason="TimeCapReached")
        await world.step()
        assert await world.weights() == {1: 90, 2: 10}
        assert "Stalled" not in await world.conditions()


async def test_what_cannot_be_decided_in_time_is_said_while_it_is_so() -> None:
    world = World(version(1))
    await world.in_traffic()
    world.analysis.says(Verdict.HOLD, decidable="It would take about 9 h at 2 requests/s.")
    await world.step()
    assert (await world.conditions())["Decidable"] == ("False", "UndecidableInTime")
    assert await world.says("Decidable") == "It would take about 9 h at 2 requests/s."
    before = len(world.kube.writes)
    world.analysis.says(Verdict.HOLD, decidable="It would take about 8 h at 2 requests/s.")
    await world.step()
    world.start()
    await world.step()
    assert len(world.kube.writes) == before, "another number is nothing to write"
    world.analysis.says(Verdict.HOLD)
    await world.step()
    assert "Decidable" not in await world.conditions()
