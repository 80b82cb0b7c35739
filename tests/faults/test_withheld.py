"""Watches that bring nothing, and a status that is lost: the next look at everything mends both."""

from __future__ import annotations

import pytest

from perennial.controllers.modeldeployment.naming import MANAGER
from perennial.ports.kinds import MODEL_DEPLOYMENT
from tests.faults.conftest import OpenLane, Recorded
from tests.faults.ending import Ending, difference, ending
from tests.faults.lane import RESYNC_SECONDS
from tests.faults.recording import compare
from tests.faults.story import ACTS, NAME
from tests.faults.timeline import told


async def test_no_event_of_any_kind(open_lane: OpenLane, recorded: Recorded) -> None:
    """Deaf from the start: what others do is seen when everything is looked at again."""
    recording = await recorded()
    async with open_lane() as lane:
        lane.deaf = lambda moment: moment.call.by_operator or moment.call.subresource != "" or moment.after is None
        lane.quiet_seconds = RESYNC_SECONDS + 10
        await compare(lane, recording[:4], lambda act: None)


async def test_half_of_all_events(open_lane: OpenLane, recorded: Recorded) -> None:
    recording = await recorded()
    async with open_lane() as lane:
        lane.deaf = lambda moment: moment.index % 2 == 1 and moment.call.subresource != ""
        lane.quiet_seconds = RESYNC_SECONDS + 10
        await compare(lane, recording[:4], lambda act: None)


WIPED = [each.name for each in ACTS if each.name in ("a canary is prepared", "to 10 %", "to 50 %", "promoted")]


@pytest.mark.parametrize("last", WIPED)
async def test_a_status_that_is_lost(last: str, open_lane: OpenLane, recorded: Recorded) -> None:
    """Roles come back from the records, weights from the route; the story ends as it would have."""
    recording = await recorded()
    promoted = next(index for index, each in enumerate(recording) if each.act.name == "the old version goes")
    async with open_lane() as lane:
        for each in recording[: promoted + 1]:
            await each.act.play(lane)
            if each.act.name == last:
                began = len(lane.mirror.moments)
                wiped = {"metadata": {"namespace": lane.mirror.namespace, "name": NAME}, "status": {}}
                await lane.kube.apply_status(MODEL_DEPLOYMENT, wiped, manager=MANAGER)
                assert "stable" not in lane.mirror.moments[began].after["status"]  # type: ignore[index]
        found, wanted = (_known(end) for end in (ending(lane.mirror, []), recording[promoted].ending))
        assert found == wanted, f"{difference(wanted, found)}\n{told(lane.mirror)}"


def _known(end: Ending) -> Ending:
    """Without what only a status can know: the history, the numbers, and what versions are told of these."""
    kept = {place: dict(obj) for place, obj in end.items() if place not in ("created", "deleted")}
    for place, obj in kept.items():
        if place.startswith(MODEL_DEPLOYMENT.kind):
            obj["status"] = {key: value for key, value in obj["status"].items() if key not in ("history", "analysis")}
        obj["metadata"] = {key: value for key, value in obj["metadata"].items() if key != "generation"}
    return kept
