"""`python -m perennial` behind the proxy: killed with kill -9, with watches that fail, without its lease."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from perennial.ports.kinds import JOB, LEASE, MODEL_DEPLOYMENT, MODEL_VERSION, TRAINING_RUN
from tests.faults.calls import Call
from tests.faults.faults import AFTER, BEFORE, Act, CrashAt, Drop, Fault, Hold, Passive
from tests.faults.lane import Lane
from tests.faults.mirror import Mirror, Moment, tally
from tests.faults.processes import Processes, processes
from tests.faults.story import ACTS, NAME, is_, routed

CHILDREN = {"Job", "Pod", "InferenceService", "HTTPRoute"}
BEGIN = {each.name: each.begin for each in ACTS}
KILLED_AT = (
    ("create Job january", AFTER),
    ("create ModelVersion late-1", BEFORE),
    ("patch InferenceService late-v1", AFTER),
    ("patch HTTPRoute late", AFTER),
    ("create Job late-v1-preflight", AFTER),
)


@pytest.fixture
async def operators(lane: Lane, admin: Path, account: Path, tmp_path: Path) -> AsyncIterator[Processes]:
    async with processes(lane, admin, account, tmp_path) as made:
        yield made


def registered(mirror: Mirror) -> bool:
    made = mirror.get(MODEL_VERSION, f"{NAME}-1")
    return is_(mirror.get(TRAINING_RUN, "january"), "Succeeded") and is_(made, "Ready")


def serves(mirror: Mirror) -> bool:
    return is_(mirror.get(MODEL_DEPLOYMENT, NAME), "UpToDate") and routed(mirror) == {f"{NAME}-v1": 100}


def once(lane: Lane) -> None:
    """Nothing of the run or of the revision was made twice."""
    twice = {name: number for name, number in tally(lane.mirror.moments, "create").items() if number > 1}
    assert not twice


class OneByOne(Passive):
    """Crashes, each armed when the one before it has acted."""

    def __init__(self, *crashes: CrashAt) -> None:
        super().__init__(name="kill -9")
        self.left: list[Fault] = list(crashes)

    def before(self, call: Call, mirror: Mirror) -> Act | None:
        return self._told(self.left[0].before(call, mirror)) if self.left else None

    def after(self, call: Call, moment: Moment | None, mirror: Mirror) -> Act | None:
        return self._told(self.left[0].after(call, moment, mirror)) if self.left else None

    def _told(self, act: Act | None) -> Act | None:
        if act is not None:
            self.fired += 1
            self.left.pop(0)
        return act


async def test_kill_9_at_sampled_writes(operators: Processes, lane: Lane) -> None:
    fault = OneByOne(*(CrashAt(signature=signature, when=when) for signature, when in KILLED_AT))
    lane.disturb(fault)
    operators.start()
    await BEGIN["a run becomes a version"](lane)
    await operators.until(registered, "a version")
    await BEGIN["the first version serves"](lane)
    await operators.until(serves, "it serves")
    assert fault.fired == operators.kills == len(KILLED_AT)
    once(lane)


async def test_watches_that_say_nothing(operators: Processes, lane: Lane) -> None:
    """The connections stay open and no event of a child comes: every object is looked at again now and then."""
    lane.proxy.stream.withheld |= CHILDREN
    operators.start(resync_seconds=2)
    await BEGIN["a run becomes a version"](lane)
    await operators.until(registered, "a version")
    await BEGIN["the first version serves"](lane)
    await operators.until(serves, "it serves")
    assert {kind for kind, number in lane.proxy.stream.kept_back.items() if number} >= CHILDREN
    once(lane)


@pytest.mark.parametrize("how", ["told by the proxy", "told by the apiserver"])
async def test_410_gone(how: str, operators: Processes, lane: Lane) -> None:
    """Every watch is too old at once; and watches that are opened again ask for what the apiserver has forgotten."""
    stream, own = lane.proxy.stream, {"TrainingRun", "ModelVersion", "ModelDeployment"}
    operators.start()
    await BEGIN["a run becomes a version"](lane)
    await operators.until(lambda mirror: mirror.get(JOB, "january") is not None, "a Job")
    if how == "told by the apiserver":
        stream.rewound.update(own)
    stream.expire(*own, *CHILDREN)
    await operators.until(registered, "a version")
    await BEGIN["the first version serves"](lane)
    await operators.until(serves, "it serves")
    assert {kind for kind, number in stream.told_gone.items() if number} >= own
    if how == "told by the apiserver":
        assert {kind for kind, number in stream.asked_for_the_past.items() if number} >= own
    once(lane)


class LostInAWrite(Passive):
    """One write of the first process is kept back, and from then on it cannot renew its lease."""

    def before(self, call: Call, mirror: Mirror) -> Act | None:
        if call.incarnation != 0 or not call.writes:
            return None
        if call.kind == LEASE:
            return Drop() if self.fired else None
        if self.fired or mirror.signature(call) != "patch TrainingRun/status january":
            return None
        self.fired += 1
        return Hold()


async def test_a_lease_that_is_lost_in_the_middle_of_a_write(operators: Processes, lane: Lane) -> None:
    """The leader ends without another write; the next one ends what was begun, once."""
    fault = LostInAWrite(name="the lease is lost in a write")
    lane.disturb(fault)
    first = operators.start(0)
    await BEGIN["a run becomes a version"](lane)
    await operators.until(lambda mirror: fault.fired > 0, "the write is under way")
    second = operators.start(1)
    await operators.until(registered, "a version")
    assert first.exit_code() == 1
    assert "the lease is lost" in first.log
    assert second.leads()
    held = next(index for index, mark in lane.mirror.marks.items() if fault.name in mark)
    late = [each for each in lane.mirror.since(held) if each.call.by_operator and each.call.incarnation == 0]
    assert not late
    once(lane)
