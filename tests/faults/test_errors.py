"""Answers that fail, and answers that are lost: every call is tried again, and nothing is done twice.

Here the ways to fail take turns; `make soak` has runs of one way each.
"""

from __future__ import annotations

from collections.abc import Sequence

from tests.faults.calls import Call
from tests.faults.conftest import OpenLane, Recorded
from tests.faults.faults import AFTER, BEFORE, ERRORS, Act, Drop, Fault, FirstTry
from tests.faults.recording import compare

Way = tuple[Act, str]
WRITES: dict[str, Way] = {
    **{name: (answer, BEFORE) for name, answer in ERRORS.items()},
    "504 once it is committed": (ERRORS["504"], AFTER),
    "no answer": (Drop(), BEFORE),
    "no answer once it is committed": (Drop(), AFTER),
}
READS = ("429", "no answer")

BACK_OFF_SECONDS = 60
"""The longest that a pass which failed waits for its next try."""


async def test_every_write_fails_at_first(recorded: Recorded, open_lane: OpenLane) -> None:
    await writes_fail([*WRITES.values()], recorded, open_lane)


async def test_reads_fail(recorded: Recorded, open_lane: OpenLane) -> None:
    await reads_fail([WRITES[name] for name in READS], recorded, open_lane)


async def writes_fail(ways: Sequence[Way], recorded: Recorded, open_lane: OpenLane) -> None:
    """The first try of every write fails, in these ways in turn."""
    recording = await recorded()

    def fault(index: int) -> Fault:
        return FirstTry(name="every write fails at first", ways=ways)

    async with open_lane() as lane:
        outcome = await compare(lane, recording, fault)
    # A pass that is tried again writes what several would have written, so there are fewer writes than undisturbed.
    assert sum(outcome.fired.values()) > sum(len(each.writes) for each in recording) * 2 / 3


async def reads_fail(ways: Sequence[Way], recorded: Recorded, open_lane: OpenLane) -> None:
    """Every seventh read, so that each pass is cut at another place and some are whole."""
    recording = await recorded()
    numbers = iter(range(10**9))

    def seventh(call: Call) -> bool:
        return call.verb in ("get", "list") and next(numbers) % 7 == 3

    async with open_lane() as lane:
        lane.quiet_seconds = BACK_OFF_SECONDS + 5
        await compare(lane, recording, lambda index: FirstTry(name="reads fail", ways=ways, chosen=seventh))
