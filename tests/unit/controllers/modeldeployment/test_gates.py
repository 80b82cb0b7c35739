"""What waits for a person: a gate of a step, and a weight that is set by hand."""

from __future__ import annotations

from typing import Any

import pytest

from perennial.rollout import Verdict
from tests.unit.controllers.modeldeployment.objects import version
from tests.unit.controllers.modeldeployment.test_strategies import STEPS, advance, reconciling, released, until
from tests.unit.controllers.modeldeployment.world import World


async def at_a_gate(**spec: Any) -> World:
    world = World(version(1), strategy={"canary": {"steps": [{"weight": 10, "gate": "Manual"}, STEPS[1]]}}, **spec)
    await world.in_traffic()
    world.analysis.says(Verdict.ADVANCE)
    await world.step()
    return world


async def test_a_gate_waits_for_a_person_once_the_evidence_is_there() -> None:
    world = await at_a_gate()
    assert await reconciling(world) == "AwaitingPromotion"
    assert await world.weights() == {1: 90, 2: 10}
    revision = (await world.status())["canary"]["revision"]
    assert f"{revision}/0" in await world.says("Reconciling")
    await advance(world, 0)
    await world.until_followed(1)
    assert await world.weights() == {1: 50, 2: 50}


async def test_an_open_gate_still_asks_for_evidence() -> None:
    world = await at_a_gate()
    world.analysis.says(Verdict.HOLD)
    await advance(world, 5)
    await world.step()
    assert await world.weights() == {1: 90, 2: 10}


@pytest.mark.parametrize("revision", ["another", ""])
async def test_what_is_said_of_another_revision_or_an_earlier_step_opens_no_gate(revision: str) -> None:
    steps = [{"weight": 5}, {"weight": 10, "gate": "Manual"}, STEPS[1]]
    world = World(version(1), strategy={"canary": {"steps": steps}})
    await world.serving()
    world.kube.put(version(2))
    await world.until_followed(0, first=True)
    world.analysis.says(Verdict.ADVANCE)
    await world.until_followed(1)
    await advance(world, 0, revision)
    world.analysis.says(Verdict.ADVANCE)
    await world.step()
    assert await reconciling(world) == "AwaitingPromotion"


async def test_a_gate_of_the_last_step_holds_the_promotion_and_promote_passes_all_gates() -> None:
    gated = [{**each, "gate": "Manual"} for each in STEPS]
    world = World(version(1), strategy={"canary": {"steps": gated}})
    await world.in_traffic()
    await world.change(rollout={"promote": (await world.status())["canary"]["revision"]})
    await world.settle()
    assert await world.weights() == {1: 0, 2: 100}


async def test_what_is_worse_at_a_gate_is_rolled_back() -> None:
    world = await at_a_gate()
    world.analysis.says(Verdict.ROLL_BACK)
    await world.step()
    assert (await world.conditions())["Stalled"] == ("True", "RolledBack")


# A weight that is set by hand.


def by_hand(weight: int, **more: Any) -> dict[str, Any]:
    return {"canary": {"steps": STEPS, "weight": weight, **more}}


async def test_the_operator_goes_to_the_weight_and_no_further() -> None:
    world = await released(by_hand(30))
    await until(world, "AwaitingPromotion")
    assert await world.weights() == {1: 70, 2: 30}
    for _ in range(3):
        world.analysis.says(Verdict.PROMOTE)
        await world.step()
        await world.play()
    assert await world.weights() == {1: 70, 2: 30}
    assert "as spec.strategy.canary.weight says" in await world.says("Reconciling")


@pytest.mark.parametrize("weight", [60, 100, 10, 0])
async def test_another_weight_is_gone_to(weight: int) -> None:
    world = await released(by_hand(30))
    await until(world, "AwaitingPromotion")
    await world.change(strategy=by_hand(weight))
    await world.settle()
    assert await world.weights() == {1: 100 - weight, 2: weight}
    assert await reconciling(world) == "AwaitingPromotion"
    assert (await world.status())["stable"]["version"] == 1


async def test_a_worse_one_is_rolled_back_at_a_weight_by_hand_too() -> None:
    world = await released(by_hand(30))
    await until(world, "AwaitingPromotion")
    await world.step()
    watched = world.analysis.watched
    assert watched is not None
    assert (watched.step, watched.by_hand) == (1, True)
    world.analysis.says(Verdict.ROLL_BACK)
    await world.step()
    assert await world.weights() == {1: 100, 2: 0}


async def test_without_the_weight_the_steps_go_on_from_there() -> None:
    world = await released(by_hand(30))
    await until(world, "AwaitingPromotion")
    await world.change(strategy={"canary": {"steps": STEPS}})
    await world.step()
    await world.step()
    assert (await world.status())["canary"]["step"] == 0
    world.analysis.says(Verdict.ADVANCE)
    await world.until_followed(1)
    assert await world.weights() == {1: 50, 2: 50}


async def test_a_weight_by_hand_needs_no_warm_up_but_a_preflight() -> None:
    world = await released(by_hand(30))
    await world.step()
    assert await world.weights() in ({1: 100}, {1: 100, 2: 0})
    await until(world, "AwaitingPromotion")
    assert (await world.status()).get("analysis") is None
