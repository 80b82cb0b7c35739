"""An upgrade of the operator in the middle of a rollout: the one of the commit before begins it, this one ends it."""

from __future__ import annotations

import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.apiserver.replicas.audit import Audit
from tests.apiserver.replicas.cluster import REQUESTS_PER_SECOND, Cluster
from tests.apiserver.replicas.conftest import Start
from tests.apiserver.replicas.test_takeover import one_writer
from tests.apiserver.support import Kubectl, until

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="session")
def previous(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The operator's sources as they were before this commit."""
    folder = tmp_path_factory.mktemp("previous")
    command = ["git", "-C", str(ROOT), "archive", "HEAD~1", "operator/src"]
    archived = subprocess.run(command, capture_output=True)
    if archived.returncode:
        pytest.fail("An upgrade needs the commit before this one: clone with a depth of 2 at least, or all of it.")
    subprocess.run(["tar", "-x", "-C", str(folder)], input=archived.stdout, check=True)
    return folder / "operator" / "src"


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL], ids=["stopped", "killed"])
def test_an_upgrade_in_the_middle_of_a_canary(
    start: Start, cluster: Cluster, audit: Audit, previous: Path, end: signal.Signals
) -> None:
    old = start(more_environment={"PYTHONPATH": str(previous)})
    until(old.leads, "the old operator leads")
    cluster.serve(50)
    cluster.begin()
    running, counted = cluster.running(), compared(cluster)
    assert len(running) == 4
    new = start()
    until(lambda: new.fetch("/readyz")[0] == 200, "the new operator is ready", 40)
    since = time.monotonic()
    old.signal(end)
    seconds = new.takes_over(since)
    print(f"take-over after {seconds:.1f} s")
    cluster.end()
    # The evidence goes on: what the old operator counted still counts, and what was served while nobody led does too.
    assert promoted_on(cluster) > counted + seconds * REQUESTS_PER_SECOND / 4
    assert cluster.running() == running
    one_writer(old, new, audit)


def test_a_policy_that_was_removed_and_applied_again_locks_nobody_out(
    start: Start, cluster: Cluster, audited: tuple[Kubectl, Audit]
) -> None:
    kubectl, audit = audited
    policy = (ROOT / "manifests" / "base" / "fence.yaml").read_text()
    first = start()
    until(first.leads, "the first leads", 40)
    cluster.serve(50)
    # An apiserver that has seen a policy go reads no more of what it was about, not even when the policy is back.
    kubectl("delete", "-f", "-", stdin=policy)
    second = start()
    until(lambda: second.fetch("/readyz")[0] == 200, "the second is ready", 40)
    first.signal(signal.SIGTERM)
    until(second.leads, "the second leads", 40)
    kubectl("apply", "-f", "-", stdin=policy)
    cluster.begin()
    assert audit.work(second.credential) != []


def compared(cluster: Cluster) -> int:
    """How many of the canary's requests are in the evidence that status tells of."""
    (metric,) = cluster.status()["analysis"]["metrics"]
    return _of(metric["canary"])


def promoted_on(cluster: Cluster) -> int:
    """How many of the canary's requests it was promoted on."""
    return _of(cluster.status()["history"][0]["message"])


def _of(text: str) -> int:
    found = re.search(r"\d+ of (\d+)", text)
    assert found is not None, text
    return int(found[1])
