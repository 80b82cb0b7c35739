"""The leader dies, freezes or loses the apiserver in the middle of a rollout, with the lease times that are shipped."""

from __future__ import annotations

import signal
import time

from tests.apiserver.replicas.audit import Audit
from tests.apiserver.replicas.cluster import Cluster
from tests.apiserver.replicas.conftest import Start
from tests.apiserver.replicas.network import Network
from tests.apiserver.replicas.replica import Replica
from tests.apiserver.support import until

TAKE_OVER_SECONDS = 20.0


def two(start: Start, server: str | None = None) -> tuple[Replica, Replica]:
    """A leader and one that waits."""
    first = start(server=server)
    until(first.leads, "the first leads", 40)
    second = start()
    until(lambda: second.fetch("/readyz")[0] == 200, "the second is ready", 40)
    return first, second


def middle(cluster: Cluster, *weights: int) -> None:
    """To where version 2 gets its first share of the requests."""
    cluster.serve(*(weights or (50,)))
    cluster.begin()


def take_over(old: Replica, new: Replica, since: float, audit: Audit) -> None:
    """The new one leads and works within the limit, and the old one has not written since the new one's first write."""
    seconds = new.takes_over(since, TAKE_OVER_SECONDS)
    until(lambda: audit.work(new.credential), "the new one writes", 40)
    assert seconds <= TAKE_OVER_SECONDS
    print(f"take-over after {seconds:.1f} s")
    one_writer(old, new, audit)


def one_writer(old: Replica, new: Replica, audit: Audit) -> None:
    """Nothing of the old one took effect after the first write of the new one."""
    first = audit.work(new.credential)[0]
    assert [each for each in audit.work(old.credential) if each.ended >= first.begun] == []


def test_a_rollout_that_nothing_disturbs(start: Start, cluster: Cluster, audit: Audit) -> None:
    first, second = two(start)
    middle(cluster)
    cluster.end()
    assert audit.writes(second.credential) == []
    assert first.leads()


def test_a_leader_that_is_killed(start: Start, cluster: Cluster, audit: Audit) -> None:
    first, second = two(start)
    middle(cluster, 20, 50)
    before = cluster.running()
    since = time.monotonic()
    first.signal(signal.SIGKILL)
    take_over(first, second, since, audit)
    cluster.end()
    assert cluster.running() == before


def test_a_leader_that_freezes_and_wakes(start: Start, cluster: Cluster, audit: Audit) -> None:
    first, second = two(start)
    middle(cluster)
    before = cluster.running()
    since = time.monotonic()
    first.freeze()
    take_over(first, second, since, audit)
    first.wake()
    assert first.exit_code() == 1
    cluster.end()
    assert cluster.running() == before
    one_writer(first, second, audit)


def test_a_leader_that_is_cut_off(start: Start, cluster: Cluster, network: Network, audit: Audit) -> None:
    first, second = two(start, server=network.url)
    middle(cluster)
    before = cluster.running()
    since = time.monotonic()
    network.cut()
    take_over(first, second, since, audit)
    assert first.exit_code(30) == 1
    cluster.end()
    assert cluster.running() == before
    one_writer(first, second, audit)


def test_a_leader_that_is_told_to_stop_hands_over_at_once(start: Start, cluster: Cluster, audit: Audit) -> None:
    first, second = two(start)
    middle(cluster)
    since = time.monotonic()
    first.signal(signal.SIGTERM)
    assert first.exit_code() == 0
    assert second.takes_over(since, 5) < 5
    cluster.end()
    one_writer(first, second, audit)
