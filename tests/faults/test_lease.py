"""The lease ends in the middle of the work."""

from __future__ import annotations

import pytest

from tests.faults.lane import Lane
from tests.faults.mirror import Moment
from tests.faults.story import ACTS, NAME, is_
from tests.faults.timeline import told

LAST = ("create Job january", "patch TrainingRun/status january", f"create ModelVersion {NAME}-1")


class Lease:
    """A gate that closes with one write."""

    def __init__(self, last: str) -> None:
        self._last = last
        self.left = 10.0

    def remaining(self) -> float:
        return self.left

    def look(self, moment: Moment) -> None:
        if moment.signature == self._last:
            self.left = 0.0


@pytest.mark.parametrize("last", LAST)
async def test_no_write_once_the_lease_may_have_expired(last: str, lane: Lane) -> None:
    """Another one takes over and ends what was begun, once."""
    lease = Lease(last)
    lane.gate = lease
    lane.mirror.listeners.append(lease.look)
    await lane.stop()
    await lane.start()
    await ACTS[0].begin(lane)
    await lane.run_until(lambda mirror: lease.left == 0, "the lease has ended", settle=False)
    ended = len(lane.mirror.moments)
    await lane.run_until(lambda mirror: True, "nobody has anything to do")
    late = [each for each in lane.mirror.since(ended) if each.call.by_operator]
    assert not late, f"written without a lease: {late[0].write}\n{told(lane.mirror)}"
    lane.gate = None
    await lane.stop()
    lane.proxy.kill()
    await lane.start()
    await lane.run_until(ACTS[0].goal, "the next leader ends it")
    created = [each.signature for each in lane.mirror.moments if each.before is None and each.call.by_operator]
    assert created.count("create Job january") == created.count(f"create ModelVersion {NAME}-1") == 1
    assert is_(lane.mirror.objects["TrainingRun", "january"], "Succeeded")
