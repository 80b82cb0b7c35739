"""The operator is killed at every effective write of the main job, before it arrives and after it is committed."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from tests.faults.conftest import OpenLane, Recorded
from tests.faults.variants import chosen, crashes, packed, play

ONLY = "PERENNIAL_FAULT"
"""The environment variable that leaves only the variants whose name contains this."""
PARTS = 4
"""So that several processes share the work."""


@pytest.mark.parametrize("part", range(PARTS))
async def test_every_write_before_and_after(
    part: int, open_lane: OpenLane, recorded: Recorded, record_property: Callable[[str, object], None]
) -> None:
    recording = await recorded()
    every = packed(crashes(recording))
    writes = sum(len(each.writes) for each in recording)
    assert sum(fault is not None for run in every for fault in run) == 2 * writes
    runs = chosen(recording, every[part::PARTS], os.environ.get(ONLY, ""))
    summary = await play(open_lane, recording, runs)
    assert not summary.failures, f"{len(summary.failures)} runs failed:\n" + "\n\n".join(summary.failures)
    wanted = sum(fault is not None for run in runs for fault in run)
    assert summary.crashes == len(summary.fired) == wanted
    record_property("effective writes", writes)
    record_property("crashes", (summary.runs, wanted, summary.lost_events))
