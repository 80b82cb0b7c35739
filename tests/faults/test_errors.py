"""Answers that fail, and answers that are lost: every call is tried again, and nothing is done twice."""

from __future__ import annotations

import pytest

from tests.faults.calls import Call
from tests.faults.conftest import OpenLane, Recorded
from tests.faults.faults import AFTER, BEFORE, ERRORS, Act, Drop, Fault, FirstTry
from tests.faults.recording import compare

WRITES: dict[str, tuple[Act, str]] = {
    **{name: (answer, BEFORE) for name, answer in ERRORS.items()},
    "504 once it is committed": (ERRORS["504"], AFTER),
    "no answer": (Drop(), BEFORE),
    "no answer once it is committed": (Drop(), AFTER),
}


@pytest.mark.parametrize("name", WRITES)
async def test_every_write_fails_at_first(name: str, recorded: Recorded, open_lane: OpenLane) -> None:
    act, when = WRITES[name]
    recording = await recorded()

    def fault(index: int) -> Fault:
        return FirstTry(name=f"{name} to every write at first", act=act, when=when)

    async with open_lane() as lane:
        outcome = await compare(lane, recording, fault)
    assert sum(outcome.fired.values()) >= sum(len(each.writes) for each in recording) - outcome.lost_events


@pytest.mark.parametrize("name", ["429", "no answer"])
async def test_reads_fail(name: str, recorded: Recorded, open_lane: OpenLane) -> None:
    """Every seventh read, so that each pass is cut at another place and some are whole."""
    act = WRITES[name][0]
    recording = await recorded()
    numbers = iter(range(10**9))

    def seventh(call: Call) -> bool:
        return call.verb in ("get", "list") and next(numbers) % 7 == 3

    async with open_lane() as lane:
        await compare(lane, recording, lambda index: FirstTry(name=f"{name} to reads", act=act, chosen=seventh))
