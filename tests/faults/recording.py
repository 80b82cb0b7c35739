"""The undisturbed run as it was recorded, and the runs that are compared with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from perennial.ports.kinds import EVENT
from tests.faults.ending import Ending, difference, ending, uncounted
from tests.faults.faults import Fault
from tests.faults.lane import Lane
from tests.faults.mirror import Moment
from tests.faults.story import ACTS, Act
from tests.faults.timeline import told


@dataclass(frozen=True)
class Recorded:
    """One act of the undisturbed run: the operator's effective writes in order, how it ended, the events it told."""

    act: Act
    writes: tuple[tuple[str, int], ...]
    ending: Ending
    events: Counter[str]


Recording = tuple[Recorded, ...]


@dataclass
class Outcome:
    """A disturbed run: how often each fault fired, and how many events were lost with it."""

    fired: dict[str, int] = field(default_factory=dict)
    crashes: int = 0
    lost_events: int = 0


async def record(lane: Lane, acts: tuple[Act, ...] = ACTS) -> Recording:
    """Play the main job, or another story, without a fault. Raises AssertionError."""
    return tuple([await _record(lane, act) for act in acts])


async def _record(lane: Lane, act: Act) -> Recorded:
    began = lane.mirror.begin()
    await act.play(lane)
    moments = lane.mirror.since(began)
    writes = tuple((each.signature, each.occurrence) for each in moments if each.call.by_operator)
    assert not lane.mirror.ineffective, f"writes that changed nothing: {lane.mirror.ineffective}"
    return Recorded(act, writes, ending(lane.mirror, moments), _events(moments))


async def compare(
    lane: Lane,
    recording: Recording,
    fault_of: Callable[[int], Fault | None],
    *,
    must_fire: bool = True,
    counted: bool = True,
) -> Outcome:
    """Play it with `fault_of(act)` at work in each act; every act must end as it was recorded.

    Without `counted` only the state is compared, and not how often things were made, deleted and told. Raises
    AssertionError with what differs and the timeline.
    """
    outcome = Outcome()
    for index, recorded in enumerate(recording):
        fault = fault_of(index)
        began = lane.mirror.begin()
        lane.disturb(fault)
        await recorded.act.play(lane)
        moments = lane.mirror.since(began)
        _same(lane, recorded, moments, counted)
        if fault is not None:
            assert fault.fired or not must_fire, f"{fault.name} in act {recorded.act.name!r} never fired"
            outcome.fired[f"{recorded.act.name}: {fault.name}"] = fault.fired
        outcome.lost_events += (recorded.events - _events(moments)).total()
    outcome.crashes = lane.crashes
    return outcome


def _same(lane: Lane, recorded: Recorded, moments: list[Moment], counted: bool) -> None:
    found, wanted = ending(lane.mirror, moments), recorded.ending
    if not counted:
        found, wanted = uncounted(found), uncounted(wanted)
    assert found == wanted, (
        f"act {recorded.act.name!r} ended otherwise:\n{difference(wanted, found)}\n{told(lane.mirror, lane.fault)}"
    )
    if not counted:
        return
    surplus = _events(moments) - recorded.events
    assert not surplus, f"events that were told more often: {dict(surplus)}\n{told(lane.mirror, lane.fault)}"


def _events(moments: list[Moment]) -> Counter[str]:
    return Counter(each.signature for each in moments if each.place[0] == EVENT.kind)
