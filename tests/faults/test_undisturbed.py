"""The main job without a fault: what every variant is compared with."""

from __future__ import annotations

from tests.faults.lane import Lane
from tests.faults.story import ACTS
from tests.faults.timeline import told


async def test_the_main_job(lane: Lane) -> None:
    for act in ACTS:
        await act.play(lane)
    print(told(lane.mirror, lines=400))
    assert lane.mirror.ineffective == []
