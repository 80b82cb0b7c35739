"""Reads that are behind: what was decided on them must not undo, or do twice, what has happened meanwhile.

The operator asks for the newest state each time, so an apiserver that keeps its promises never answers like this. Only
the state is compared: a version that is read as it was before it was verified may be verified once more. `make soak`
does it to each kind alone.
"""

from __future__ import annotations

import pytest

from perennial.ports import kinds
from perennial.ports.kinds import Kind
from tests.faults.conftest import OpenLane, Recorded
from tests.faults.recording import compare
from tests.faults.stale import Stale
from tests.faults.story import ACTS, REPLACED, Act

READ: dict[str, tuple[Kind, ...]] = {
    "people's": (kinds.TRAINING_RUN, kinds.MODEL_VERSION, kinds.MODEL_DEPLOYMENT),
    "work": (kinds.JOB, kinds.POD),
    "serving": (kinds.INFERENCE_SERVICE, kinds.SERVING_RUNTIME, kinds.HTTP_ROUTE, kinds.CONTROLLER_REVISION),
}
ALL = tuple(kind for group in READ.values() for kind in group)
STORIES = {"the main job": ACTS, "deleted and made again": REPLACED}


@pytest.mark.parametrize("group", READ)
@pytest.mark.parametrize("story", STORIES)
async def test_reads_are_one_write_behind(story: str, group: str, recorded: Recorded, open_lane: OpenLane) -> None:
    await one_write_behind(STORIES[story], READ[group], recorded, open_lane)


async def one_write_behind(
    acts: tuple[Act, ...], read: tuple[Kind, ...], recorded: Recorded, open_lane: OpenLane
) -> None:
    """Play the story with stale reads of these kinds; each must have been answered so."""
    recording = await recorded(acts)
    stale = Stale(kinds=read)
    async with open_lane() as lane:
        await compare(lane, recording, lambda index: stale, must_fire=False, counted=False)
    assert stale.fooled == set(read)
