"""Two processes never both write, however late a request of the former leader leaves or arrives."""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import threading
from collections.abc import Iterator

import pytest

from perennial.ports.kinds import MODEL_DEPLOYMENT
from tests.apiserver.modeldeployment.stage import Stage
from tests.apiserver.replicas.audit import Audit
from tests.apiserver.replicas.cluster import Cluster
from tests.apiserver.replicas.conftest import Start
from tests.apiserver.replicas.network import Network
from tests.apiserver.support import until

SHORT = {"lease_seconds": 3, "renew_deadline_seconds": 2, "retry_seconds": 0.3}
# More by hand: PERENNIAL_FREEZES=100.
FREEZES = int(os.environ.get("PERENNIAL_FREEZES", "6"))


def test_a_write_that_the_network_kept_is_refused_when_another_leads(
    start: Start, cluster: Cluster, network: Network, audit: Audit
) -> None:
    first = start(server=network.url, **SHORT)
    until(first.leads, "the first leads", 40)
    second = start(**SHORT)
    until(lambda: second.fetch("/readyz")[0] == 200, "the second is ready", 40)
    cluster.serve(50)
    # Of all writes a route's is guarded by nothing: it names no resourceVersion.
    network.keep_writes("httproutes")
    cluster.do(cluster.stage.release(2))
    until(lambda: network.kept, "the leader writes the route", 40)
    # It has left the process: nothing that the process checks can take it back.
    first.freeze()
    until(second.leads, "the second leads")
    until(lambda: audit.work(second.credential), "the second writes", 40)
    # The apiserver's own view of the Lease is a watch, which on a busy machine comes some time after the second writes.
    until(lambda: first.refused(cluster.stage.namespace), "the apiserver has seen who leads", 5)
    network.let_go()
    until(lambda: len(network.delivered) == len(network.kept), "what was kept is answered")
    assert set(network.delivered) == {403}, network.kept
    first.wake()
    assert first.exit_code() == 1
    begun = audit.work(second.credential)[0].begun
    assert [each for each in audit.work(first.credential) if each.ended >= begun] == []


@pytest.fixture
def busy(cluster: Cluster) -> Iterator[None]:
    """Deployments whose spec changes all the time, so that the leader always writes."""
    with cluster.meanwhile(change(cluster.stage)):
        yield


async def change(stage: Stage) -> None:
    """Each of several ModelDeployments asks for another version that is not there, again and again."""
    router = {"gatewayRef": {"name": "gw", "namespace": "envoy-gateway-system"}, "hostname": "busy.localhost"}
    for number in itertools.count():
        metadata = {"namespace": stage.namespace, "name": f"busy-{number % 8}"}
        spec = {"modelName": "busy", "version": 1 + number, "router": router}
        await stage.admin.apply(MODEL_DEPLOYMENT, {"metadata": metadata, "spec": spec}, manager="person")
        await asyncio.sleep(0.05)


@pytest.mark.usefixtures("busy")
def test_a_leader_frozen_at_any_instant_writes_nothing_after_the_next_one_has(start: Start, audit: Audit) -> None:
    instants, pause = random.Random(1), threading.Event()
    leader = start(**SHORT)
    for _ in range(FREEZES):
        until(leader.leads, "one leads")
        following = start(**SHORT)
        until(lambda now=leader: audit.work(now.credential), "the leader writes", 40)
        until(lambda now=following: now.fetch("/readyz")[0] == 200, "another is ready", 40)
        pause.wait(instants.random() / 2)
        leader.freeze()
        until(lambda now=following: audit.work(now.credential), "the other one writes", 40)
        leader.wake()
        assert leader.exit_code() == 1
        begun = audit.work(following.credential)[0].begun
        assert [each for each in audit.work(leader.credential) if each.ended >= begun] == []
        leader = following
