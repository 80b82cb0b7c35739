"""Whether the artifact's bytes are those that the version names: condition Verified."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Literal

from pydantic import Field

from perennial.api.base import Sha256
from perennial.api.conditions import VERIFIED
from perennial.api.modelversion import (
    ARTIFACT_NOT_FOUND,
    DIGEST_CHECKED,
    DIGEST_FROM_RUN,
    DIGEST_MISMATCH,
    NAME_TAKEN,
    VERIFICATION_FAILED,
    VERIFYING,
)
from perennial.controllers.findings import Finding, stored_finding
from perennial.controllers.jobs.claims import parse_claim_path
from perennial.controllers.jobs.failure import POD_PATIENCE_SECONDS, Problem, no_pod, why_failed, why_waiting
from perennial.controllers.jobs.said import NotUnderstoodError, Said, read_said
from perennial.controllers.jobs.state import JobState
from perennial.controllers.jobs.text import clean, sentence
from perennial.controllers.modelversion.children import verify_job, verify_job_name
from perennial.controllers.modelversion.observe import Observed
from perennial.controllers.modelversion.origin import is_active, registered_by
from perennial.controllers.plan import Creation
from perennial.ports.kinds import JOB
from perennial.ports.kube import Object

# Claims, other kinds' Jobs and (from here) runs are not watched.
POLL_SECONDS = 5.0
# Bytes that were missing or wrong may be put right without any change to the version.
RETRY_SECONDS = 300.0
TOLD_REASONS = frozenset((DIGEST_MISMATCH, ARTIFACT_NOT_FOUND))
# True tells of the day on which it was found; bytes that change later are the server's to refuse.
CHECKED_AGAIN = "Each server checks the bytes again before it loads them."
RESULTS = TOLD_REASONS | {VERIFICATION_FAILED}


class SaidDigest(Said):
    """The digest that was found."""

    sha256: Sha256
    size_bytes: Annotated[int, Field(ge=0, le=2**53)] | None = None


class Checked(Said):
    """The outcome of `verify`."""

    outcome: Literal["Succeeded"]
    artifact: SaidDigest


@dataclass(frozen=True)
class Verification:
    """The value of Verified, and what to do about it."""

    finding: Finding
    create: Creation | None = None
    delete_jobs: tuple[Object, ...] = ()
    requeue_after: float | None = None


def verify(observed: Observed, now: datetime) -> Verification:
    """Believe the version's own run, or else a Job that reads the bytes.

    Once True it stays so: the digest in the spec cannot change, and the server checks the bytes before it loads them.
    """
    stored = _stored(observed)
    if stored is not None and stored.status == "True":
        return Verification(stored, delete_jobs=_jobs(observed))
    if registered_by(observed.run, observed.version):
        name = observed.run["metadata"]["name"] if observed.run else ""
        found = Finding(
            "True", DIGEST_FROM_RUN, f"TrainingRun {name} wrote these bytes and said their digest. {CHECKED_AGAIN}"
        )
        return Verification(found, delete_jobs=_jobs(observed))
    if is_active(observed.run):
        found = Finding("Unknown", VERIFYING, "Its TrainingRun is not over; it will say what it made.")
        return Verification(found, requeue_after=POLL_SECONDS)
    return _by_job(observed, now)


def _by_job(observed: Observed, now: datetime) -> Verification:
    job = observed.job
    if observed.name_taken:
        name = verify_job_name(observed.version)
        taken = Finding("False", NAME_TAKEN, f"There is a Job {name} that is not of this version; delete it.")
        return Verification(taken, requeue_after=POLL_SECONDS)
    if job is None:
        return _start(observed)
    if job.finished is None:
        look_again = None if observed.pods else float(POD_PATIENCE_SECONDS)
        found = _stored_failure(observed) or _watch(observed, job, now)
        return Verification(found, delete_jobs=observed.old_jobs, requeue_after=look_again)
    if job.finished == "Complete":
        return _result(observed, job, _said(observed), now)
    return _result(observed, job, _failure(observed, job), now)


def _start(observed: Observed) -> Verification:
    claim = parse_claim_path(observed.spec.artifact.uri).claim
    if not observed.claim:
        message = f"There is no PersistentVolumeClaim {claim}; create it and the version is verified by itself."
        return Verification(Finding("Unknown", ARTIFACT_NOT_FOUND, message), requeue_after=POLL_SECONDS)
    job = verify_job(observed.version, observed.spec, observed.default_image)
    waiting = Finding("Unknown", VERIFYING, "A Job that reads the artifact is being made.")
    return Verification(_stored_failure(observed) or waiting, Creation(JOB, job), observed.old_jobs)


def _watch(observed: Observed, job: JobState, now: datetime) -> Finding:
    current = next((each for each in reversed(observed.pods) if not each.over), None)
    problem = why_waiting(current) if current else None if observed.pods else no_pod(job, now)
    return Finding("Unknown", VERIFYING, problem.message if problem else "A Job reads the artifact.")


def _result(observed: Observed, job: JobState, found: Finding, now: datetime) -> Verification:
    if found.status == "True":
        return Verification(found, delete_jobs=_jobs(observed))
    left = ((job.finished_at or now) + timedelta(seconds=RETRY_SECONDS) - now).total_seconds()
    if left > 0 or _stored(observed) != found:
        return Verification(found, delete_jobs=observed.old_jobs, requeue_after=max(left, 1.0))
    return Verification(found, delete_jobs=_jobs(observed), requeue_after=1.0)


def _said(observed: Observed) -> Finding:
    text = next((each.termination_message for each in reversed(observed.pods) if each.phase == "Succeeded"), "")
    try:
        digest = read_said(text, Checked).artifact.sha256
    except NotUnderstoodError as error:
        return Finding("False", VERIFICATION_FAILED, f"The outcome of the verification cannot be used: {error}.")
    wanted = observed.spec.artifact.sha256
    if digest != wanted:
        return Finding("False", DIGEST_MISMATCH, f"The artifact's digest is {digest}, not the {wanted} of the spec.")
    return Finding(
        "True", DIGEST_CHECKED, f"A Job has read the artifact and found the digest of the spec. {CHECKED_AGAIN}"
    )


def _failure(observed: Observed, job: JobState) -> Finding:
    last = next((each for each in reversed(observed.pods) if each.phase == "Failed"), None)
    if last is None:
        said = sentence(clean(job.message or job.reason, 700))
        problem = Problem(VERIFICATION_FAILED, f"The Job {job.name} failed: {said}")
    else:
        problem = why_failed(last, "Verification", None)
    reason = problem.reason if problem.reason in TOLD_REASONS else VERIFICATION_FAILED
    message = f"{problem.message} It is tried again every {RETRY_SECONDS:.0f} s."
    return Finding("False", reason, message)


def _jobs(observed: Observed) -> tuple[Object, ...]:
    return (*observed.old_jobs, *((observed.job.raw,) if observed.job else ()))


def _stored(observed: Observed) -> Finding | None:
    return stored_finding(observed.status.get("conditions") or [], VERIFIED)


def _stored_failure(observed: Observed) -> Finding | None:
    # A verification that is tried again stays failed until it has succeeded.
    stored = _stored(observed)
    return stored if stored is not None and stored.status == "False" and stored.reason in RESULTS else None
