"""The main job without a fault: what every variant is compared with."""

from __future__ import annotations

from tests.faults.conftest import OpenLane, Recorded
from tests.faults.recording import compare


async def test_the_main_job_is_the_same_again(open_lane: OpenLane, recorded: Recorded) -> None:
    recording = await recorded()
    async with open_lane() as lane:
        outcome = await compare(lane, recording, lambda act: None)
    assert outcome.lost_events == 0
    assert sum(len(each.writes) for each in recording) > 100
