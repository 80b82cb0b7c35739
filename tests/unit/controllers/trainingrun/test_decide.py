"""Tables: what was observed, and what the run does about it."""

from __future__ import annotations

from typing import Any

import pytest

from perennial.api.trainingrun import TrainingRunSpec
from perennial.controllers.jobs.state import read_job, read_pod
from perennial.controllers.trainingrun.decide import decide, refused
from perennial.controllers.trainingrun.observe import Observed, Stranger


def observed(make: Any, run: Any = None, job: Any = None, pods: Any = (), **more: Any) -> Observed:
    run = run or make.run()
    return Observed(
        run=run,
        spec=TrainingRunSpec.model_validate(run["spec"]),
        default_image="trainer:1",
        job=read_job(job) if job else None,
        pods=tuple(read_pod(each, "train") for each in pods),
        **more,
    )


def conditions(make: Any, status: Any) -> dict[str, tuple[str, str]]:
    return {each["type"]: (each["status"], each["reason"]) for each in status["conditions"]}


def test_a_new_run_makes_its_job(make: Any) -> None:
    plan = decide(observed(make), make.at())
    assert plan.create is not None
    assert (plan.create.kind.kind, plan.create.body["metadata"]["name"]) == ("Job", "flights-january")


@pytest.mark.parametrize(
    ("missing", "reason", "data"),
    [
        ({"data_claim": False}, "DataNotFound", ("False", "DataNotFound")),
        ({"output_claim": False}, "OutputNotFound", ("Unknown", "NotReadYet")),
        ({"data_claim": False, "output_claim": False}, "DataNotFound", ("False", "DataNotFound")),
    ],
)
def test_a_claim_that_is_not_there_is_waited_for(make: Any, missing: Any, reason: str, data: Any) -> None:
    plan = decide(observed(make, **missing), make.at())
    assert plan.create is None
    assert plan.requeue_after == 5
    assert conditions(make, plan.status) == {
        "Succeeded": ("Unknown", reason),
        "DataReady": data,
        "GatesPassed": ("Unknown", "NotEvaluatedYet"),
        "Reconciling": ("True", reason),
    }
    assert "create it" in make.message(plan.status, "Succeeded")


def test_a_job_of_someone_else_is_never_adopted(make: Any) -> None:
    plan = decide(observed(make, stranger=Stranger.TAKEN), make.at())
    assert (plan.create, plan.delete_jobs) == (None, ())
    assert conditions(make, plan.status)["Stalled"] == ("True", "NameTaken")
    assert "Reconciling" not in conditions(make, plan.status)
    assert plan.requeue_after is not None


def test_the_job_of_an_earlier_run_is_waited_out(make: Any) -> None:
    plan = decide(observed(make, stranger=Stranger.LEFTOVER), make.at())
    assert conditions(make, plan.status)["Reconciling"] == ("True", "Pending")
    assert "Stalled" not in conditions(make, plan.status)


def active_cases(make: Any) -> dict[str, tuple[list[Any], int, str]]:
    return {
        "no pod yet": ([], 0, "Pending"),
        "starting": ([make.waiting("ContainerCreating")], 0, "Pending"),
        "running": ([make.pod("Running", {"running": {}})], 0, "Running"),
        "image": ([make.waiting("ImagePullBackOff")], 0, "ImageUnavailable"),
        "config": ([make.waiting("CreateContainerConfigError")], 0, "ContainerNotCreated"),
        "between attempts": ([make.ended(1, "boom")], 1, "Retrying"),
        "second attempt": ([make.ended(1, "boom"), make.pod("Running", {"running": {}}, index=1)], 1, "Running"),
    }


@pytest.mark.parametrize(
    "case", ["no pod yet", "starting", "running", "image", "config", "between attempts", "second attempt"]
)
def test_an_active_run_says_what_it_does(make: Any, case: str) -> None:
    pods, failed, reason = active_cases(make)[case]
    plan = decide(observed(make, job=make.job({"failed": failed}), pods=pods), make.at(10))
    assert plan.create is None
    assert conditions(make, plan.status)["Succeeded"] == ("Unknown", reason)
    assert conditions(make, plan.status)["Reconciling"] == ("True", reason)
    assert "Stalled" not in conditions(make, plan.status)
    assert plan.status["jobRef"] == {"name": "flights-january", "uid": make.job_uid}
    assert plan.status["startTime"] == make.stamp()
    assert "completionTime" not in plan.status


def test_attempts_are_counted_aloud(make: Any) -> None:
    pods = [make.ended(1), make.pod("Running", {"running": {}}, index=1)]
    plan = decide(observed(make, job=make.job({"failed": 1}), pods=pods), make.at(10))
    assert make.message(plan.status, "Succeeded").startswith("Attempt 2 of 3")


def test_a_pod_that_never_comes_points_at_quota(make: Any) -> None:
    early = decide(observed(make, job=make.job()), make.at(5))
    late = decide(observed(make, job=make.job()), make.at(31))
    assert early.requeue_after == 20
    assert "quota" not in make.message(early.status, "Succeeded")
    assert conditions(make, late.status)["Reconciling"] == ("True", "PodNotCreated")
    assert "quota" in make.message(late.status, "Succeeded")
    assert [(each.warning, each.reason) for each in late.tellings] == [(True, "PodNotCreated")]


def test_the_deadline_tells_what_had_kept_it(make: Any) -> None:
    first = decide(observed(make, job=make.job(), pods=[make.waiting("ImagePullBackOff", "nothing:1")]), make.at(10))
    job = make.job(make.job_end("Failed", "DeadlineExceeded", "Job was active longer than specified deadline"))
    plan = decide(observed(make, make.run(first.status, activeDeadlineSeconds=60), job), make.at(61))
    assert conditions(make, plan.status)["Succeeded"] == ("False", "DeadlineExceeded")
    assert "(60 s)" in make.message(plan.status, "Succeeded")
    assert "nothing:1" in make.message(plan.status, "Succeeded")


def failed_run(make: Any, *pods: Any, failed: int = 1, **run: Any) -> Any:
    job = make.job(
        make.job_end("Failed", "BackoffLimitExceeded", "Job has reached the specified backoff limit", 60, failed)
    )
    return decide(observed(make, make.run(**run), job, pods), make.at(61))


@pytest.mark.parametrize(
    ("how", "reason", "words"),
    [
        ({"exit_code": 1, "message": "KeyError: x"}, "Failed", "exit code 1: KeyError: x."),
        ({"exit_code": 137, "reason": "OOMKilled"}, "OutOfMemory", "trainer.resources.limits.memory"),
        (
            {"exit_code": 1, "message": '{"outcome":"Failed","reason":"ColumnMissing","message":"no column x"}'},
            "ColumnMissing",
            "no column x.",
        ),
        ({"exit_code": 1, "message": '{"outcome":"Succeeded"}'}, "Failed", "exit code 1"),
    ],
)
def test_a_failed_run_says_why(make: Any, how: Any, reason: str, words: str) -> None:
    plan = failed_run(make, make.ended(**how))
    assert conditions(make, plan.status) == {
        "Succeeded": ("False", reason),
        "DataReady": ("Unknown", "NotReadYet"),
        "GatesPassed": ("Unknown", "NotEvaluatedYet"),
        "Stalled": ("True", reason),
    }
    assert words in make.message(plan.status, "Succeeded")
    assert plan.status["completionTime"] == make.stamp(60)
    assert plan.create is None
    assert [(each.warning, each.reason) for each in plan.tellings] == [(True, reason)]


@pytest.mark.parametrize("reason", ["DataNotFound", "DataDigestMismatch", "DataUnreadable"])
def test_unusable_data_shows_in_data_ready(make: Any, reason: str) -> None:
    said = f'{{"outcome":"Failed","reason":"{reason}","message":"january.csv"}}'
    plan = failed_run(make, make.ended(1, said))
    assert conditions(make, plan.status)["DataReady"] == ("False", reason)


def test_the_last_attempt_speaks(make: Any) -> None:
    plan = failed_run(make, make.ended(1, "first"), make.ended(1, "second", index=1), failed=2)
    assert "second" in make.message(plan.status, "Succeeded")
    assert "tried 2 times" in make.message(plan.status, "Succeeded")


def test_a_failed_run_promises_nothing_that_will_not_come(make: Any) -> None:
    plan = failed_run(make, make.ended(1, "it broke"))
    assert make.message(plan.status, "GatesPassed") == "No model was made, so there is nothing to evaluate."
    assert make.message(plan.status, "DataReady") == "The run ended before it said what data it had read."


def test_a_failed_job_without_pods(make: Any) -> None:
    plan = failed_run(make)
    assert "backoff limit" in make.message(plan.status, "Succeeded")


def complete(make: Any, text: str | None = None, run: Any = None, **more: Any) -> Any:
    pods = [make.ended(0, make.outcome() if text is None else text)]
    seen = observed(make, run, make.job(make.job_end("Complete")), pods, **more)
    return decide(seen, make.at(61))


@pytest.mark.parametrize(
    ("seconds", "succeeded"), [(61, ("Unknown", "Registering")), (95, ("False", "OutcomeInvalid"))]
)
def test_a_job_that_is_ahead_of_its_pod_is_waited_for(make: Any, seconds: int, succeeded: tuple[str, str]) -> None:
    seen = observed(make, None, make.job(make.job_end("Complete")), [make.pod("Running", {"running": {}})])
    plan = decide(seen, make.at(seconds))
    assert conditions(make, plan.status)["Succeeded"] == succeeded


def test_a_good_outcome_is_registered_under_the_next_number(make: Any) -> None:
    plan = complete(make, highest_version=6)
    assert plan.create is not None
    body = plan.create.body
    assert (body["kind"], body["metadata"]["name"], body["spec"]["version"]) == ("ModelVersion", "flights-7", 7)
    assert "ownerReferences" not in body["metadata"]
    assert body["metadata"]["labels"] == {
        "perennial.dev/controller": "TrainingRun",
        "perennial.dev/name": "flights-january",
        "perennial.dev/model": "flights",
        "perennial.dev/version": "7",
        "perennial.dev/run-uid": make.run_uid,
    }
    assert body["spec"]["trainingRunRef"] == {"name": "flights-january", "uid": make.run_uid}
    assert body["spec"]["artifact"] == {
        "uri": f"{make.folder}/{make.sha}",
        "sha256": make.sha,
        "contentDigest": "cd" * 32,
        "format": "skops",
        "framework": "scikit-learn 1.9.1",
        "sizeBytes": 12345,
    }
    assert body["spec"]["lineage"] == {
        "image": "trainer:1",
        "dataUri": "pvc://flights-data/2013/january.csv",
        "dataDigest": "ef" * 32,
        "dataRows": 27004,
        "params": {},
        "seed": 7,
        "threads": 1,
        "packagesDigest": "01" * 32,
    }


GATES = {"gates": [{"metric": "roc_auc", "min": "0.95"}]}


@pytest.mark.parametrize(
    ("spec", "decision", "by"),
    [
        ({}, "Pending", None),
        ({"approval": "Automatic"}, "Approved", "perennial"),
        ({"approval": "Automatic", "evaluation": GATES}, "Rejected", "perennial"),
        ({"approval": "Manual", "evaluation": GATES}, "Rejected", "perennial"),
    ],
)
def test_who_approves(make: Any, spec: Any, decision: str, by: str | None) -> None:
    plan = complete(make, run=make.run(**spec))
    approval = plan.create.body["spec"]["approval"]
    assert (approval["decision"], approval.get("by")) == (decision, by)
    assert ("reason" in approval) is (by is not None)


def test_a_registered_version_completes_the_run(make: Any) -> None:
    run = make.run(approval="Automatic", evaluation={"gates": [{"metric": "roc_auc", "min": "0.9"}]})
    plan = complete(make, run=run, registered=(make.version(3),), highest_version=5)
    assert plan.create is None
    assert conditions(make, plan.status) == {
        "Succeeded": ("True", "Completed"),
        "DataReady": ("True", "DataRead"),
        "GatesPassed": ("True", "AllPassed"),
    }
    assert plan.status["modelVersionRef"] == {"name": "flights-3", "uid": make.version_uid}
    assert plan.status["metric"] == "roc_auc=0.912"
    assert plan.status["metrics"] == {"accuracy": "0.81", "roc_auc": "0.9123"}
    assert plan.status["completionTime"] == make.stamp(60)
    assert plan.requeue_after == 3600
    assert [(each.warning, each.reason) for each in plan.tellings] == [(False, "Completed")]


def test_a_failed_gate_is_no_failed_training(make: Any) -> None:
    plan = complete(make, run=make.run(evaluation=GATES), registered=(make.version(3),))
    found = conditions(make, plan.status)
    assert (found["Succeeded"], found["GatesPassed"]) == (("True", "Completed"), ("False", "GateFailed"))
    assert "Rejected" in make.message(plan.status, "Succeeded")
    assert plan.status["gates"][0]["passed"] is False
    assert [each.reason for each in plan.tellings] == ["Completed", "GateFailed"]


def test_a_version_with_the_runs_uid_but_other_bytes_is_a_forgery(make: Any) -> None:
    forged = make.version(1, artifact={"uri": "pvc://models/evil/x", "sha256": "66" * 32})
    plan = complete(make, registered=(forged,), highest_version=1)
    assert plan.create is not None
    assert plan.create.body["metadata"]["name"] == "flights-2"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "nothing was written"),
        ("Traceback", "cannot be used"),
        ('{"outcome":"Succeeded","artifact":{"uri":"pvc://other/x","sha256":"' + "ab" * 32 + '"}}', "own folder"),
    ],
)
def test_an_outcome_that_cannot_be_used_fails_the_run(make: Any, text: str, words: str) -> None:
    plan = complete(make, text)
    assert plan.create is None
    assert conditions(make, plan.status)["Succeeded"] == ("False", "OutcomeInvalid")
    assert conditions(make, plan.status)["Stalled"] == ("True", "OutcomeInvalid")
    assert words in make.message(plan.status, "Succeeded")


def test_exit_code_zero_with_a_failed_outcome_is_a_failure(make: Any) -> None:
    plan = complete(make, '{"outcome":"Failed","reason":"TooFewRows","message":"9 rows"}')
    assert conditions(make, plan.status)["Succeeded"] == ("False", "TooFewRows")


def test_the_pod_went_before_its_outcome_was_read(make: Any) -> None:
    plan = decide(observed(make, job=make.job(make.job_end("Complete"))), make.at(61))
    assert conditions(make, plan.status)["Succeeded"] == ("False", "OutcomeInvalid")
    assert "pod was removed" in make.message(plan.status, "Succeeded")


def test_a_job_deleted_in_the_middle_is_not_made_again(make: Any) -> None:
    running = decide(observed(make, job=make.job()), make.at(5))
    plan = decide(observed(make, make.run(running.status)), make.at(10))
    assert plan.create is None
    assert conditions(make, plan.status)["Succeeded"] == ("False", "JobLost")
    assert plan.status["jobRef"]["uid"] == make.job_uid


def test_a_lost_status_is_made_again_from_the_version(make: Any) -> None:
    plan = decide(observed(make, registered=(make.version(1),)), make.at(99))
    assert plan.create is None
    assert conditions(make, plan.status)["Succeeded"] == ("True", "Completed")
    assert plan.status["completionTime"] == make.stamp(61)


def finished(make: Any, **spec: Any) -> Any:
    status = complete(make, run=make.run(**spec), registered=(make.version(1),)).status
    return make.run(status, **spec)


def test_a_finished_run_is_final(make: Any) -> None:
    run = finished(make)
    for seen in (
        observed(make, run),
        observed(make, run, data_claim=False),
        observed(make, run, stranger=Stranger.TAKEN),
    ):
        plan = decide(seen, make.at(1e6))
        assert (plan.create, plan.delete_jobs, plan.tellings) == (None, (), ())
        assert plan.status == run["status"]


@pytest.mark.parametrize(("seconds", "left", "deleted"), [(61, 99, 0), (159, 1, 0), (160, None, 1), (9999, None, 1)])
def test_the_job_goes_when_its_time_is_over(make: Any, seconds: float, left: float | None, deleted: int) -> None:
    run = finished(make, ttlSecondsAfterFinished=100)
    plan = decide(observed(make, run, make.job(make.job_end("Complete"))), make.at(seconds))
    assert (plan.requeue_after, len(plan.delete_jobs)) == (left, deleted)


def test_a_refusal_is_said_and_tried_again(make: Any) -> None:
    seen = observed(make)
    ordered = decide(seen, make.at()).create
    assert ordered is not None
    plan = refused(seen, ordered, "exceeded quota: jobs", make.at())
    assert conditions(make, plan.status)["Stalled"] == ("True", "ChildRefused")
    assert "exceeded quota: jobs" in make.message(plan.status, "Succeeded")
    assert plan.requeue_after == 30
    assert "completionTime" not in plan.status


def test_the_same_again_tells_nothing(make: Any) -> None:
    first = decide(observed(make, job=make.job()), make.at(5))
    again = decide(observed(make, make.run(first.status), make.job()), make.at(19))
    assert first.tellings
    assert again.tellings == ()
    assert again.status == first.status


def test_messages_fit_the_schema(make: Any) -> None:
    plan = failed_run(make, make.ended(1, "é" * 4000), failed=9)
    assert all(len(each["message"]) <= 2048 for each in plan.status["conditions"])


def test_numbers_that_have_run_out(make: Any) -> None:
    plan = complete(make, highest_version=2147483647)
    assert plan.create is None
    assert conditions(make, plan.status)["Stalled"] == ("True", "NameTaken")
    assert "delete it" in make.message(plan.status, "Succeeded")
    assert plan.requeue_after == 5
    mended = complete(make, run=make.run(plan.status), highest_version=2147483646)
    assert mended.create is not None
    assert mended.create.body["spec"]["version"] == 2147483647


def test_a_refusal_is_one_short_line(make: Any) -> None:
    seen = observed(make)
    ordered = decide(seen, make.at()).create
    assert ordered is not None
    plan = refused(seen, ordered, "denied:\n\x1b[31m" + "x" * 9000, make.at())
    message = make.message(plan.status, "Succeeded")
    assert "denied: [31mx" in message
    assert len(message) < 1200
