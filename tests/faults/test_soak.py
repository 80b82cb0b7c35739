"""Takes long, run by `make soak`: every crash, every way to fail and every stale kind in a run of its own."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import pytest

from perennial.ports.kinds import Kind
from tests.faults.conftest import OpenLane, Recorded
from tests.faults.test_errors import READS, WRITES, reads_fail, writes_fail
from tests.faults.test_stale import ALL, STORIES, one_write_behind
from tests.faults.variants import alone, crashes, play

PARTS = 8


@pytest.mark.parametrize("part", range(PARTS))
async def test_every_crash_in_a_run_of_its_own(
    part: int, open_lane: OpenLane, recorded: Recorded, record_property: Callable[[str, object], None]
) -> None:
    """Its whole rest is compared."""
    recording = await recorded()
    runs = alone(crashes(recording))[part::PARTS]
    summary = await play(open_lane, recording, runs)
    assert not summary.failures, "\n\n".join(summary.failures)
    assert summary.crashes == len(summary.fired) == len(runs)
    record_property("effective writes", sum(len(each.writes) for each in recording))
    record_property("crashes", (summary.runs, summary.crashes, summary.lost_events))


@pytest.mark.parametrize("name", WRITES)
async def test_every_write_fails_in_one_way(name: str, recorded: Recorded, open_lane: OpenLane) -> None:
    await writes_fail([WRITES[name]], recorded, open_lane)


@pytest.mark.parametrize("name", READS)
async def test_reads_fail_in_one_way(name: str, recorded: Recorded, open_lane: OpenLane) -> None:
    await reads_fail([WRITES[name]], recorded, open_lane)


@pytest.mark.parametrize(("story", "kind"), product(STORIES, ALL), ids=lambda each: getattr(each, "plural", each))
async def test_one_kind_is_one_write_behind(story: str, kind: Kind, recorded: Recorded, open_lane: OpenLane) -> None:
    await one_write_behind(STORIES[story], (kind,), recorded, open_lane)
