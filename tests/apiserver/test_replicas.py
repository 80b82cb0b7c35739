"""Processes of the operator as its own service account: one leads; it may be stopped, killed or frozen."""

import signal
from collections.abc import Callable

from tests.apiserver.support import Kubectl, OperatorProcess, until

Start = Callable[..., OperatorProcess]
SHORT = {"lease_seconds": 3, "renew_deadline_seconds": 2, "retry_seconds": 0.3}


def two(start_operator: Start) -> tuple[OperatorProcess, OperatorProcess]:
    first = start_operator("one", **SHORT)
    until(first.leads, "the first leads")
    second = start_operator("two", **SHORT)
    until(lambda: second.fetch("/readyz")[0] == 200, "the second is ready")
    assert not second.leads()
    return first, second


def test_both_answer_and_one_leads(start_operator: Start) -> None:
    for process in two(start_operator):
        assert process.fetch("/healthz") == (200, "ok")
        assert process.fetch("/readyz") == (200, "ok")
        assert "perennial_leader" in process.fetch("/metrics")[1]


def test_a_stopped_leader_hands_over_at_once(start_operator: Start, kubectl: Kubectl) -> None:
    first, second = two(start_operator)
    first.signal(signal.SIGTERM)
    assert first.exit_code(5) == 0
    until(second.leads, "the second leads", 2)
    holder = kubectl("-n", "perennial-system", "get", "lease", "-o", "jsonpath={.items[*].spec.holderIdentity}")
    assert holder.startswith("two_")


def test_a_waiting_replica_stops_at_once(start_operator: Start) -> None:
    first, second = two(start_operator)
    second.signal(signal.SIGTERM)
    assert second.exit_code(5) == 0
    assert first.leads()


def test_a_killed_leader_is_replaced(start_operator: Start) -> None:
    first, second = two(start_operator)
    first.signal(signal.SIGKILL)
    until(second.leads, "the second leads", 8)


def test_a_frozen_leader_ends_when_it_wakes(start_operator: Start) -> None:
    first, second = two(start_operator)
    first.signal(signal.SIGSTOP)
    until(second.leads, "the second leads", 8)
    first.signal(signal.SIGCONT)
    assert first.exit_code() == 1
    assert "the lease is lost" in first.log
    assert second.leads()


def test_a_deleted_lease_ends_the_leader(start_operator: Start, kubectl: Kubectl) -> None:
    first = start_operator("one", **SHORT)
    until(first.leads, "it leads")
    kubectl("-n", "perennial-system", "delete", "lease", "--all")
    assert first.exit_code() == 1
