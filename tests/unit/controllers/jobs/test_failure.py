"""What people read when a pod waits or fails."""

from __future__ import annotations

from typing import Any

import pytest

from perennial.controllers.jobs.failure import why_failed, why_waiting
from perennial.controllers.jobs.state import read_pod

MEMORY = "trainer.resources.limits.memory"


def failed(make: Any, **pod: Any) -> tuple[str, str]:
    problem = why_failed(read_pod(make.ended(**pod), "train"), "Training", MEMORY)
    return problem.reason, problem.message


@pytest.mark.parametrize("reason", ["ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName"])
def test_an_image_that_cannot_be_had(make: Any, reason: str) -> None:
    problem = why_waiting(read_pod(make.waiting(reason, "no such image: nobody/nothing:1"), "train"))
    assert problem is not None
    assert problem.reason == "ImageUnavailable"
    assert reason in problem.message
    assert "nobody/nothing:1" in problem.message


@pytest.mark.parametrize("reason", ["CreateContainerConfigError", "CreateContainerError", "RunContainerError"])
def test_a_container_that_cannot_be_made(make: Any, reason: str) -> None:
    problem = why_waiting(read_pod(make.waiting(reason, 'secret "token" not found'), "train"))
    assert problem is not None
    assert problem.reason == "ContainerNotCreated"
    assert 'secret "token" not found' in problem.message


def test_no_node_for_the_pod(make: Any) -> None:
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes: memory"}
    problem = why_waiting(read_pod(make.pod("Pending", conditions=[condition]), "train"))
    assert problem is not None
    assert problem.reason == "Unschedulable"
    assert "0/1 nodes: memory" in problem.message


@pytest.mark.parametrize("reason", ["ContainerCreating", "PodInitializing", ""])
def test_a_pod_that_only_needs_time(make: Any, reason: str) -> None:
    assert why_waiting(read_pod(make.waiting(reason), "train")) is None


def test_a_gate_of_scheduling_is_not_a_full_cluster(make: Any) -> None:
    condition = {"type": "PodScheduled", "status": "False", "reason": "SchedulingGated", "message": "gated"}
    assert why_waiting(read_pod(make.pod("Pending", conditions=[condition]), "train")) is None


@pytest.mark.parametrize("how", [{"reason": "OOMKilled", "exit_code": 1}, {"reason": "Error", "exit_code": 137}])
def test_out_of_memory_says_where_to_give_more(make: Any, how: dict[str, Any]) -> None:
    reason, message = failed(make, **how)
    assert reason == "OutOfMemory"
    assert MEMORY in message


def test_evicted_by_the_kubelet(make: Any) -> None:
    pod = make.ended(137, reason="Error")
    pod["status"] |= {"reason": "Evicted", "message": "The node was low on resource: memory"}
    problem = why_failed(read_pod(pod, "train"), "Training", MEMORY)
    assert (problem.reason, "low on resource: memory" in problem.message) == ("Evicted", True)


def test_preempted(make: Any) -> None:
    condition = {
        "type": "DisruptionTarget",
        "status": "True",
        "reason": "PreemptionByScheduler",
        "message": "preempting",
    }
    pod = make.ended(143, conditions=[condition])
    problem = why_failed(read_pod(pod, "train"), "Training", MEMORY)
    assert (problem.reason, "preempting" in problem.message) == ("Evicted", True)


def test_the_container_explains_itself(make: Any) -> None:
    said = '{"outcome":"Failed","reason":"ColumnMissing","message":"january.csv has no column \'late\'"}'
    assert failed(make, exit_code=1, message=said) == ("ColumnMissing", "january.csv has no column 'late'.")


def test_a_crash_shows_the_end_of_the_log(make: Any) -> None:
    log = "Traceback (most recent call last):\n" + "  File x\n" * 400 + "ValueError: no rows\n"
    reason, message = failed(make, exit_code=1, message=log)
    assert reason == "Failed"
    assert message.startswith("Training ended with exit code 1: …")
    assert message.endswith("ValueError: no rows.")
    assert "\n" not in message
    assert len(message) < 1000


def test_a_crash_without_a_word_names_the_pod(make: Any) -> None:
    reason, message = failed(make, exit_code=3)
    assert reason == "Failed"
    assert "exit code 3" in message
    assert "flights-january-0" in message


def test_a_pod_that_failed_before_its_container_began(make: Any) -> None:
    pod = make.pod("Failed", reason="UnexpectedAdmissionError", message="no device")
    problem = why_failed(read_pod(pod, "train"), "Training", MEMORY)
    assert (problem.reason, "no device" in problem.message) == ("Failed", True)


def test_a_reason_that_could_not_be_a_condition_is_not_taken(make: Any) -> None:
    reason, _ = failed(make, exit_code=1, message='{"outcome":"Failed","reason":"no good","message":"x"}')
    assert reason == "Failed"


def test_terminal_escapes_do_not_reach_people(make: Any) -> None:
    _, message = failed(make, exit_code=1, message="\x1b[31mred\x1b[0m \u202egnol\x00")
    assert not any(ord(each) < 32 or each == "\u202e" for each in message)
