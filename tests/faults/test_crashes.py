"""The operator is killed at every effective write of the main job, before it arrives and after it is committed."""

from __future__ import annotations

import os

import pytest

from tests.faults.conftest import OpenLane, Recorded
from tests.faults.variants import chosen, crashes, packed, play

ONLY = "PERENNIAL_FAULT"
"""The environment variable that leaves only the variants whose name contains this."""


async def test_every_write_before_and_after(
    open_lane: OpenLane, recorded: Recorded, capsys: pytest.CaptureFixture[str]
) -> None:
    recording = await recorded()
    writes = sum(len(each.writes) for each in recording)
    runs = chosen(recording, packed(crashes(recording)), os.environ.get(ONLY, ""))
    summary = await play(open_lane, recording, runs)
    assert not summary.failures, f"{len(summary.failures)} runs failed:\n" + "\n\n".join(summary.failures)
    wanted = sum(fault is not None for run in runs for fault in run)
    assert summary.crashes == len(summary.fired) == wanted
    assert wanted == 2 * writes or os.environ.get(ONLY)
    with capsys.disabled():
        print(f"\n{writes} effective writes x 2 variants: {wanted} crashes in {summary.runs} runs, all converged")
        print(f"{summary.lost_events} events were lost with their operator, none was told twice")
