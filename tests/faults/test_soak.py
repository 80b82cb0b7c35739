"""Takes long, run by `make soak`: every crash in a run of its own, whose whole rest is compared."""

from __future__ import annotations

import json
import os
import platform
from pathlib import Path

from tests.faults.conftest import OpenLane, Recorded
from tests.faults.variants import alone, crashes, play

SOAK = "PERENNIAL_SOAK"
RESULT = Path(__file__).with_name("results") / "soak.json"


async def test_every_crash_in_a_run_of_its_own(open_lane: OpenLane, recorded: Recorded) -> None:
    recording = await recorded()
    summary = await play(open_lane, recording, alone(crashes(recording)))
    RESULT.parent.mkdir(exist_ok=True)
    told = {
        "writes": {each.act.name: len(each.writes) for each in recording},
        "runs": summary.runs,
        "crashes": summary.crashes,
        "failures": len(summary.failures),
        "machine": {"cores": os.cpu_count(), "system": platform.platform()},
    }
    RESULT.write_text(json.dumps(told, indent=1) + "\n")
    assert not summary.failures, "\n\n".join(summary.failures)
