"""Reads that are behind: what was decided on them must not undo, or do twice, what has happened meanwhile."""

from __future__ import annotations

import pytest

from perennial.ports import kinds
from perennial.ports.kinds import Kind
from tests.faults.conftest import OpenLane
from tests.faults.recording import Recording, compare, record
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


@pytest.fixture(scope="module")
def recordings() -> dict[tuple[Act, ...], Recording]:
    return {}


@pytest.mark.parametrize("kind", READ, ids=lambda kind: kind.plural)
@pytest.mark.parametrize("acts", [ACTS, REPLACED], ids=["the main job", "deleted and made again"])
async def test_reads_are_one_write_behind(
    acts: tuple[Act, ...], kind: Kind, recordings: dict[tuple[Act, ...], Recording], open_lane: OpenLane
) -> None:
    if acts not in recordings:
        async with open_lane() as lane:
            recordings[acts] = await record(lane, acts)
    stale = Stale(kind=kind)
    async with open_lane() as lane:
        await compare(lane, recordings[acts], lambda index: stale, must_fire=False)
    assert stale.fired
