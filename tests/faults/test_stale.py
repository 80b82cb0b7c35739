"""Reads that are behind: what was decided on them must not undo, or do twice, what has happened meanwhile.

The operator asks for the newest state each time, so an apiserver that keeps its promises never answers like this. Only
the state is compared: a version that is read as it was before it was verified may be verified once more.
"""

from __future__ import annotations

import pytest

from perennial.ports import kinds
from perennial.ports.kinds import Kind
from tests.faults.conftest import OpenLane, Recorded
from tests.faults.recording import compare
from tests.faults.stale import Stale
from tests.faults.story import ACTS, REPLACED, Act

READ: tuple[Kind, ...] = (
    kinds.TRAINING_RUN,
    kinds.MODEL_VERSION,
    kinds.MODEL_DEPLOYMENT,
    kinds.JOB,
    kinds.POD,
    kinds.INFERENCE_SERVICE,
    kinds.SERVING_RUNTIME,
    kinds.HTTP_ROUTE,
    kinds.CONTROLLER_REVISION,
)


@pytest.mark.parametrize("kind", READ, ids=lambda kind: kind.plural)
@pytest.mark.parametrize("acts", [ACTS, REPLACED], ids=["the main job", "deleted and made again"])
async def test_reads_are_one_write_behind(
    acts: tuple[Act, ...], kind: Kind, recorded: Recorded, open_lane: OpenLane
) -> None:
    recording = await recorded(acts)
    stale = Stale(kind=kind)
    async with open_lane() as lane:
        await compare(lane, recording, lambda index: stale, must_fire=False, counted=False)
    assert stale.fired
