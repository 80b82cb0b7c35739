"""Leader election with a fake apiserver and a clock that the test moves."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from perennial.core.clock import FakeClock
from perennial.core.leader import FORMER, LEASE_NAME, Leader, LeaseLost
from perennial.core.settings import Settings
from perennial.ports.kinds import LEASE
from perennial.ports.kube import Unavailable
from perennial.ports.kube_fake import RecordingKube

SETTINGS = Settings(trainer_image="trainer", namespace="perennial-system", pod_name="pod")


class Bench:
    """One apiserver, one time, any number of candidates."""

    def __init__(self) -> None:
        self.kube, self.clock = RecordingKube(), FakeClock()

    def candidate(self, name: str, before_each_wait: Callable[[int], None] = lambda _: None) -> Leader:
        waits = 0

        async def sleep(seconds: float) -> None:
            nonlocal waits
            before_each_wait(waits)
            waits += 1
            self.clock.advance(seconds)

        return Leader(self.kube, self.clock, SETTINGS, name, sleep)

    async def lease(self) -> dict[str, Any]:
        lease = await self.kube.get(LEASE, "perennial-system", LEASE_NAME)
        assert lease is not None
        return lease

    async def holder(self) -> str:
        return str((await self.lease())["spec"]["holderIdentity"])

    async def steal(self) -> None:
        lease = await self.lease()
        self.kube.put(lease | {"spec": lease["spec"] | {"holderIdentity": "thief"}})


@pytest.fixture
def bench() -> Bench:
    return Bench()


async def test_the_first_candidate_leads_at_once(bench: Bench) -> None:
    leader = bench.candidate("a")
    assert leader.remaining() == 0
    await leader.acquire()
    assert await bench.holder() == "a"
    assert leader.remaining() == SETTINGS.renew_deadline_seconds


async def test_the_right_to_write_ends_by_itself_before_another_may_lead(bench: Bench) -> None:
    leader = bench.candidate("a")
    await leader.acquire()
    bench.clock.advance(SETTINGS.renew_deadline_seconds - 1)
    assert leader.remaining() == 1
    bench.clock.advance(1)
    assert leader.remaining() == 0
    assert SETTINGS.renew_deadline_seconds < SETTINGS.lease_seconds


async def test_the_second_waits_until_the_lease_was_silent_for_its_whole_duration(bench: Bench) -> None:
    await bench.candidate("a").acquire()
    started = bench.clock.monotonic()
    await bench.candidate("b").acquire()
    waited = bench.clock.monotonic() - started
    assert SETTINGS.lease_seconds <= waited <= SETTINGS.lease_seconds + 2 * SETTINGS.retry_seconds
    assert await bench.holder() == "b"
    assert (await bench.lease())["spec"]["leaseTransitions"] == 1


async def test_the_second_waits_while_the_first_renews(bench: Bench) -> None:
    await bench.candidate("a").acquire()
    renewals = 20

    def renew(number: int) -> None:
        if number < renewals:
            obj = bench.kube._store["Lease", "perennial-system", LEASE_NAME]
            bench.kube.put(obj)

    started = bench.clock.monotonic()
    await bench.candidate("b", renew).acquire()
    assert bench.clock.monotonic() - started >= renewals * SETTINGS.retry_seconds + SETTINGS.lease_seconds


async def test_a_released_lease_is_taken_at_once(bench: Bench) -> None:
    first = bench.candidate("a")
    await first.acquire()
    await first.release()
    assert (first.remaining(), await bench.holder()) == (0, "")
    started = bench.clock.monotonic()
    await bench.candidate("b").acquire()
    assert bench.clock.monotonic() == started


async def test_holding_renews_the_right_to_write(bench: Bench) -> None:
    seen: list[float] = []
    leader = bench.candidate("a", lambda number: _end_after(50, number, seen, leader))
    await leader.acquire()
    with pytest.raises(asyncio.CancelledError):
        await leader.hold()
    assert min(seen) >= SETTINGS.renew_deadline_seconds - SETTINGS.retry_seconds
    assert await bench.holder() == "a"


def _end_after(count: int, number: int, seen: list[float], leader: Leader) -> None:
    seen.append(leader.remaining())
    if number == count:
        raise asyncio.CancelledError


async def test_a_stolen_lease_ends_the_leader(bench: Bench) -> None:
    leader = bench.candidate("a")
    await leader.acquire()
    await bench.steal()
    with pytest.raises(LeaseLost, match="another replica"):
        await leader.hold()
    assert leader.remaining() == 0


async def test_a_deleted_lease_ends_the_leader(bench: Bench) -> None:
    leader = bench.candidate("a")
    await leader.acquire()
    bench.kube.drop(LEASE, "perennial-system", LEASE_NAME)
    with pytest.raises(LeaseLost, match="deleted"):
        await leader.hold()


async def test_someones_annotation_does_not_end_the_leader(bench: Bench) -> None:
    def annotate(number: int) -> None:
        if number == 3:
            obj = bench.kube._store["Lease", "perennial-system", LEASE_NAME]
            bench.kube.put(obj | {"metadata": obj["metadata"] | {"annotations": {"a": "b"}}})
        if number == 10:
            raise asyncio.CancelledError

    leader = bench.candidate("a", annotate)
    await leader.acquire()
    with pytest.raises(asyncio.CancelledError):
        await leader.hold()
    assert leader.remaining() > 0


async def test_an_apiserver_that_is_silent_too_long_ends_the_leader(bench: Bench) -> None:
    leader = bench.candidate("a", lambda _: bench.kube.fail_next(Unavailable("503")))
    await leader.acquire()
    with pytest.raises(LeaseLost, match="not renewed in time"):
        await leader.hold()


async def test_a_short_silence_is_survived(bench: Bench) -> None:
    def fail_thrice(number: int) -> None:
        if number < 3:
            bench.kube.fail_next(Unavailable("503"))
        if number == 6:
            raise asyncio.CancelledError

    leader = bench.candidate("a", fail_thrice)
    await leader.acquire()
    with pytest.raises(asyncio.CancelledError):
        await leader.hold()
    assert leader.remaining() > 0


async def test_a_process_that_was_frozen_does_not_write_when_it_wakes(bench: Bench) -> None:
    leader = bench.candidate("a", lambda _: bench.clock.advance(60))
    await leader.acquire()
    writes = len(bench.kube.writes)
    with pytest.raises(LeaseLost):
        await leader.hold()
    assert len(bench.kube.writes) == writes


async def test_candidates_wait_for_an_apiserver_that_does_not_answer(bench: Bench) -> None:
    bench.kube.fail_next(Unavailable("connection refused"))
    bench.kube.fail_next(Unavailable("connection refused"))
    leader = bench.candidate("a")
    assert not leader.reachable
    await leader.acquire()
    assert leader.reachable
    assert await bench.holder() == "a"


async def test_a_lease_that_runs_out_is_taken_right_then(bench: Bench) -> None:
    await bench.candidate("a").acquire()
    started = bench.clock.monotonic()
    await bench.candidate("b").acquire()
    assert bench.clock.monotonic() - started < SETTINGS.lease_seconds + 0.5


async def test_a_replica_whose_apiserver_is_silent_is_not_ready(bench: Bench) -> None:
    await bench.candidate("a").acquire()
    ready: list[bool] = []

    def wait(number: int) -> None:
        ready.append(standby.reachable)
        if number in range(2, 12):
            bench.kube.fail_next(Unavailable("503"))

    standby = bench.candidate("b", wait)
    await standby.acquire()
    assert ready[:3] == [True, True, True]
    assert False in ready
    assert standby.reachable


async def test_a_leader_is_ready_while_it_renews(bench: Bench) -> None:
    seen: list[bool] = []

    def wait(number: int) -> None:
        seen.append(leader.reachable)
        if number == 30:
            raise asyncio.CancelledError

    leader = bench.candidate("a", wait)
    await leader.acquire()
    with pytest.raises(asyncio.CancelledError):
        await leader.hold()
    assert set(seen) == {True}
    bench.clock.advance(SETTINGS.lease_seconds + 1)
    assert not leader.reachable


async def former(bench: Bench) -> list[str]:
    return (await bench.lease())["metadata"].get("annotations", {}).get(FORMER, "").split(",")


async def test_the_lease_names_the_pods_that_led_before(bench: Bench) -> None:
    await bench.candidate("a_1").acquire()
    await bench.candidate("b_2").acquire()
    assert await former(bench) == ["a"]
    third = bench.candidate("c_3")
    await third.acquire()
    assert await former(bench) == ["a", "b"]
    await third.release()
    assert await former(bench) == ["a", "b", "c"]
    await bench.candidate("a_4").acquire()
    assert await former(bench) == ["b", "c"]


async def test_only_the_latest_are_remembered(bench: Bench) -> None:
    for number in range(25):
        await bench.candidate(f"pod-{number}_x").acquire()
    assert await former(bench) == [f"pod-{number}" for number in range(4, 24)]


@pytest.mark.parametrize(("seconds", "ends"), [(1.0, False), (SETTINGS.lease_seconds + 1, True)])
async def test_a_leader_that_the_apiserver_goes_on_refusing_gives_way(bench: Bench, seconds: float, ends: bool) -> None:
    leader = bench.candidate("a_1", _cancel_at)
    leader.told(leads=False)
    bench.clock.advance(seconds)
    leader.told(leads=False)
    await leader.acquire()
    with pytest.raises(LeaseLost if ends else asyncio.CancelledError):
        await leader.hold()


async def test_a_write_that_is_taken_ends_the_doubt(bench: Bench) -> None:
    leader = bench.candidate("a_1", _cancel_at)
    await leader.acquire()
    leader.told(leads=False)
    leader.told(leads=True)
    bench.clock.advance(SETTINGS.lease_seconds + 1)
    leader.told(leads=False)
    await leader.acquire()
    with pytest.raises(asyncio.CancelledError):
        await leader.hold()


def _cancel_at(number: int) -> None:
    if number == 1:
        raise asyncio.CancelledError


async def test_two_at_the_same_moment_make_one_leader(bench: Bench) -> None:
    candidates = [bench.candidate(name) for name in "abc"]
    assert sorted(await asyncio.gather(*(each._try_acquire() for each in candidates))) == [False, False, True]


async def test_a_lost_lease_is_not_released_by_who_lost_it(bench: Bench) -> None:
    leader = bench.candidate("a")
    await leader.acquire()
    await bench.steal()
    with pytest.raises(LeaseLost):
        await leader.hold()
    await leader.release()
    assert await bench.holder() == "thief"
