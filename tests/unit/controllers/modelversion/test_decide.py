"""Tables: what was observed, and what a version's status says."""

from __future__ import annotations

import json
from typing import Any

import pytest

from perennial.api.modelversion import ModelVersionSpec, ModelVersionStatus
from perennial.controllers.jobs.state import read_job, read_pod
from perennial.controllers.modelversion.decide import decide, refused
from perennial.controllers.modelversion.observe import Observed

CHECKED = json.dumps({"outcome": "Succeeded", "artifact": {"sha256": "ab" * 32, "sizeBytes": 1}})


def observed(make: Any, version: Any = None, job: Any = None, pods: Any = (), **more: Any) -> Observed:
    version = version or make.version(run_uid=None)
    return Observed(
        version=version,
        spec=ModelVersionSpec.model_validate(version["spec"]),
        default_image="trainer:1",
        job=read_job(job) if job else None,
        pods=tuple(read_pod(each, "verify") for each in pods),
        **more,
    )


def conditions(status: Any) -> dict[str, tuple[str, str]]:
    return {each["type"]: (each["status"], each["reason"]) for each in status["conditions"]}


def run(make: Any, succeeded: str | None = "True", version_uid: str | None = None, gates: str = "True") -> Any:
    found = []
    if succeeded:
        found.append({"type": "Succeeded", "status": succeeded, "reason": "x", "message": "x"})
        found.append({"type": "GatesPassed", "status": gates, "reason": "AllPassed", "message": "all"})
    status: Any = {"conditions": found, "metric": "accuracy=0.81"}
    if version_uid:
        status["modelVersionRef"] = {"name": "flights-1", "uid": version_uid}
    return make.run(status)


def test_our_own_is_verified_by_its_run(make: Any) -> None:
    plan = decide(observed(make, make.version(), run=run(make, version_uid=make.version_uid)), make.at())
    assert plan.create is None
    assert conditions(plan.status) == {
        "Ready": ("True", "Usable"),
        "Verified": ("True", "DigestFromRun"),
        "GatesPassed": ("True", "AllPassed"),
    }
    assert plan.status["metric"] == "accuracy=0.81"
    assert [each.reason for each in plan.tellings] == ["DigestFromRun", "Usable"]


def test_a_run_that_is_not_over_is_waited_for(make: Any) -> None:
    for succeeded in (None, "Unknown"):
        plan = decide(observed(make, make.version(), run=run(make, succeeded)), make.at())
        assert plan.create is None
        assert conditions(plan.status)["Verified"] == ("Unknown", "Verifying")
        assert plan.requeue_after == 5


def test_a_forged_reference_is_not_believed(make: Any) -> None:
    for forged in (run(make, version_uid="another-version"), run(make, "False"), run(make), None):
        plan = decide(observed(make, make.version(), run=forged), make.at())
        assert plan.create is not None
        assert plan.create.kind.kind == "Job"
        assert conditions(plan.status)["Verified"] == ("Unknown", "Verifying")
        assert "GatesPassed" not in conditions(plan.status)


def test_verified_once_is_verified_for_good(make: Any) -> None:
    status = decide(observed(make, make.version(), run=run(make, version_uid=make.version_uid)), make.at()).status
    plan = decide(observed(make, make.version(status=status), run=None, claim=False), make.at(9999))
    assert plan.create is None
    assert plan.status == status
    assert plan.tellings == ()


def test_an_import_is_read_by_a_job(make: Any) -> None:
    plan = decide(observed(make), make.at())
    assert plan.create is not None
    body = plan.create.body
    container = body["spec"]["template"]["spec"]["containers"][0]
    environment = {each["name"]: each["value"] for each in container["env"]}
    assert container["args"] == ["verify"]
    assert environment["PERENNIAL_ARTIFACT_SHA256"] == make.sha
    assert (
        environment["PERENNIAL_ARTIFACT_PATH"]
        == f"/mnt/artifact/{make.folder.removeprefix('pvc://models/')}/{make.sha}"
    )
    assert environment["PERENNIAL_OUTCOME_PATH"] == "/dev/termination-log"
    assert all(each["readOnly"] for each in container["volumeMounts"] if each["mountPath"] != "/tmp")
    assert body["metadata"]["labels"]["perennial.dev/controller"] == "ModelVersion"
    assert body["metadata"]["labels"]["perennial.dev/name"] == "flights-1"
    assert len(body["metadata"]["name"]) <= 63


def test_the_claim_of_an_import_is_waited_for(make: Any) -> None:
    plan = decide(observed(make, claim=False), make.at())
    assert plan.create is None
    assert conditions(plan.status)["Verified"] == ("Unknown", "ArtifactNotFound")
    assert conditions(plan.status)["Reconciling"] == ("True", "ArtifactNotFound")
    assert plan.requeue_after == 5


def test_another_address_is_another_job(make: Any) -> None:
    first = decide(observed(make), make.at()).create
    moved = make.version(run_uid=None, artifact={"uri": "pvc://elsewhere/x", "sha256": make.sha})
    second = decide(observed(make, moved), make.at()).create
    assert first is not None
    assert second is not None
    assert first.body["metadata"]["name"] != second.body["metadata"]["name"]


def ended(make: Any, kind: str, text: str, exit_code: int = 0, version: Any = None, at: float = 61, **more: Any) -> Any:
    job = make.job(make.job_end(kind, "BackoffLimitExceeded"), "flights-1-verify", make.version_uid, "ModelVersion")
    pod = make.ended(exit_code, text, container="verify")
    return decide(observed(make, version, job, [pod], **more), make.at(at))


def test_the_digest_is_right(make: Any) -> None:
    plan = ended(make, "Complete", CHECKED)
    assert conditions(plan.status) == {"Ready": ("True", "Usable"), "Verified": ("True", "DigestChecked")}
    assert len(plan.delete_jobs) == 1


@pytest.mark.parametrize(
    ("kind", "text", "code", "reason"),
    [
        ("Complete", CHECKED.replace("ab", "00"), 0, "DigestMismatch"),
        ("Complete", "", 0, "VerificationFailed"),
        ("Complete", '{"outcome":"Succeeded"}', 0, "VerificationFailed"),
        (
            "Failed",
            '{"outcome":"Failed","reason":"DigestMismatch","message":"model.skops differs"}',
            1,
            "DigestMismatch",
        ),
        ("Failed", '{"outcome":"Failed","reason":"ArtifactNotFound","message":"no manifest"}', 1, "ArtifactNotFound"),
        ("Failed", '{"outcome":"Failed","reason":"Usable","message":"ha"}', 1, "VerificationFailed"),
        ("Failed", "Traceback", 1, "VerificationFailed"),
    ],
)
def test_the_digest_is_not_right(make: Any, kind: str, text: str, code: int, reason: str) -> None:
    plan = ended(make, kind, text, code)
    assert conditions(plan.status) == {
        "Ready": ("False", "NotVerified"),
        "Verified": ("False", reason),
        "Stalled": ("True", reason),
    }
    assert plan.delete_jobs == ()
    assert plan.requeue_after == 299
    assert [(each.warning, each.reason) for each in plan.tellings] == [(True, reason)]


def test_a_failed_verification_is_tried_again_without_flapping(make: Any) -> None:
    status = ended(make, "Failed", "Traceback", 1).status
    version = make.version(run_uid=None, status=status)
    later = ended(make, "Failed", "Traceback", 1, version, at=360)
    assert len(later.delete_jobs) == 1
    assert later.status == status
    again = decide(observed(make, version), make.at(361))
    assert again.create is not None
    assert again.status == status
    active = make.job({}, "flights-1-verify", make.version_uid, "ModelVersion")
    assert decide(observed(make, version, active), make.at(362)).status == status
    good = ended(make, "Complete", CHECKED, version=version, at=363)
    assert conditions(good.status)["Verified"] == ("True", "DigestChecked")
    assert "Stalled" not in conditions(good.status)


def test_a_job_that_waits_says_for_what(make: Any) -> None:
    active = make.job({}, "flights-1-verify", make.version_uid, "ModelVersion")
    pod = make.pod("Pending", {"waiting": {"reason": "ErrImageNeverPull", "message": "gone"}}, container="verify")
    plan = decide(observed(make, job=active, pods=[pod]), make.at())
    assert conditions(plan.status)["Verified"] == ("Unknown", "Verifying")
    assert "ErrImageNeverPull" in make.message(plan.status, "Verified")


def test_the_jobs_name_is_taken(make: Any) -> None:
    plan = decide(observed(make, name_taken=True), make.at())
    assert (plan.create, plan.delete_jobs) == (None, ())
    assert conditions(plan.status)["Stalled"] == ("True", "NameTaken")
    free = decide(observed(make, make.version(run_uid=None, status=plan.status)), make.at())
    assert conditions(free.status)["Verified"] == ("Unknown", "Verifying")


def test_jobs_of_an_old_address_go(make: Any) -> None:
    old = make.job({}, "flights-1-verify-old", make.version_uid, "ModelVersion")
    active = make.job({}, "flights-1-verify", make.version_uid, "ModelVersion")
    assert decide(observed(make, job=active, old_jobs=(old,)), make.at()).delete_jobs == (old,)


def verified(make: Any, **approval: Any) -> Any:
    version = make.version(approval=approval)
    return decide(observed(make, version, run=run(make, version_uid=make.version_uid)), make.at())


@pytest.mark.parametrize(
    ("approval", "ready"),
    [
        ({"decision": "Approved"}, ("True", "Usable")),
        ({"decision": "Pending"}, ("False", "NotApproved")),
        ({"decision": "Rejected", "by": "ada", "reason": "biased"}, ("False", "Rejected")),
    ],
)
def test_ready_is_approved_and_verified(make: Any, approval: Any, ready: Any) -> None:
    assert conditions(verified(make, **approval).status)["Ready"] == ready


def test_a_rejection_says_who_and_why(make: Any) -> None:
    status = verified(make, decision="Rejected", by="ada", reason="biased").status
    assert make.message(status, "Ready") == "ada rejected it: biased."


def test_a_refused_job_is_said_and_tried_again(make: Any) -> None:
    seen = observed(make)
    ordered = decide(seen, make.at()).create
    assert ordered is not None
    plan = refused(seen, ordered, "exceeded quota", make.at())
    assert conditions(plan.status)["Stalled"] == ("True", "ChildRefused")
    assert plan.requeue_after == 30
    mended = decide(observed(make, make.version(run_uid=None, status=plan.status)), make.at())
    assert conditions(mended.status)["Verified"] == ("Unknown", "Verifying")


def test_gates_outlive_the_run(make: Any) -> None:
    status = decide(
        observed(make, make.version(), run=run(make, version_uid=make.version_uid, gates="False")), make.at()
    ).status
    plan = decide(observed(make, make.version(status=status), run=None), make.at(100))
    assert conditions(plan.status)["GatesPassed"][0] == "False"


def test_who_uses_it_is_in_the_status(make: Any) -> None:
    deployment = {"metadata": {"name": "flights"}, "spec": {}, "status": {"stable": {"version": 1}}}
    status = decide(observed(make, deployments=(deployment,)), make.at()).status
    assert (status["inUseBy"], status["inUse"]) == (["flights"], "flights (stable)")


def test_a_pod_that_never_comes_points_at_quota(make: Any) -> None:
    active = make.job({}, "flights-1-verify", make.version_uid, "ModelVersion")
    early = decide(observed(make, job=active), make.at(5))
    late = decide(observed(make, job=active), make.at(31))
    assert early.requeue_after == 20
    assert "quota" not in make.message(early.status, "Verified")
    assert conditions(late.status)["Verified"] == ("Unknown", "Verifying")
    assert "quota" in make.message(late.status, "Verified")


def test_an_evicted_verification_goes_on(make: Any) -> None:
    active = make.job({}, "flights-1-verify", make.version_uid, "ModelVersion")
    evicted = make.ended(137, container="verify", reason="Evicted")
    plan = decide(observed(make, job=active, pods=[evicted]), make.at(5))
    assert conditions(plan.status)["Verified"] == ("Unknown", "Verifying")
    assert "Stalled" not in conditions(plan.status)


HOSTILE = [
    *("[" * 4000, "\x00\x1b[2J", "\u202egnol", "\ud800", '{"outcome":"Succeeded","artifact":{"sha256":"\\ud800"}}'),
    '{"outcome":"Succeeded","artifact":{"sha256":"' + "ab" * 32 + '","sizeBytes":' + "9" * 400 + "}}",
    '{"outcome":"Failed","reason":"DigestMismatch","message":"\\u001b[31m\\u202e"}',
]


@pytest.mark.parametrize("kind", ["Complete", "Failed"])
@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_words_make_no_hostile_status(make: Any, kind: str, text: str) -> None:
    plan = ended(make, kind, text, 1 if kind == "Failed" else 0)
    assert conditions(plan.status)["Verified"][0] == "False"
    parsed = ModelVersionStatus.model_validate_json(json.dumps(plan.status))
    assert all(each.message.isprintable() for each in parsed.conditions)
