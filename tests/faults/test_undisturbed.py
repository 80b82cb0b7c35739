"""The main job without a fault: what every variant is compared with."""

from __future__ import annotations

from tests.faults.lane import Lane
from tests.faults.conftest import OpenLane
from tests.faults.recording import compare, record


async def test_the_main_job_is_the_same_again(open_lane: OpenLane) -> None:
    async with open_lane() as lane:
        recording = await record(lane)
    for each in recording:
        print(len(each.writes), each.act.name)
    async with open_lane() as lane:
        await compare(lane, recording, lambda act: None)
