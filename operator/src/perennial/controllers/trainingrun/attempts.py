"""How the attempts of a run's Job go: which pod matters, and what it says."""

from __future__ import annotations

from datetime import datetime

from perennial.api.conditions import SUCCEEDED
from perennial.api.trainingrun import (
    CONTAINER_NOT_CREATED,
    DEADLINE_EXCEEDED,
    FAILED,
    IMAGE_UNAVAILABLE,
    PENDING,
    POD_NOT_CREATED,
    REGISTERING,
    RETRYING,
    RUNNING,
    UNSCHEDULABLE,
)
from perennial.controllers.findings import stored_finding
from perennial.controllers.jobs.failure import Problem, no_pod, why_failed, why_waiting
from perennial.controllers.jobs.state import JobState, PodState
from perennial.controllers.jobs.text import clean, sentence
from perennial.controllers.trainingrun.observe import Observed

WORK = "Training"
MEMORY_FIELD = "trainer.resources.limits.memory"
STUCK = frozenset((IMAGE_UNAVAILABLE, UNSCHEDULABLE, CONTAINER_NOT_CREATED, POD_NOT_CREATED, RETRYING))


def going(observed: Observed, job: JobState, now: datetime) -> Problem:
    """What an unfinished Job is doing."""
    current = next((each for each in reversed(observed.pods) if not each.over), None)
    if current is None:
        return _between(observed, job, now)
    attempt = f"Attempt {job.failed + 1} of {observed.spec.backoff_limit + 1}"
    problem = why_waiting(current)
    if problem is not None:
        return problem
    if current.phase == "Running":
        return Problem(RUNNING, f"{attempt} is running in pod {current.name}.")
    return Problem(PENDING, f"{attempt} is starting in pod {current.name}.")


def failure(observed: Observed, job: JobState) -> Problem:
    """Why a Job failed for good."""
    if job.reason == "DeadlineExceeded":
        return _too_long(observed)
    last = _last_failed(observed.pods)
    if last is None:
        return Problem(FAILED, f"The Job failed: {_said(job)}")
    problem = _why(observed, last)
    if job.failed < 2:
        return problem
    return Problem(problem.reason, f"{problem.message} It was tried {job.failed} times.")


def last_words(pods: tuple[PodState, ...]) -> str | None:
    """The termination message of the pod that succeeded; None when it is gone."""
    return next((each.termination_message for each in reversed(pods) if each.phase == "Succeeded"), None)


def _between(observed: Observed, job: JobState, now: datetime) -> Problem:
    if last_words(observed.pods) is not None:
        return Problem(REGISTERING, "The training is over; its outcome is about to be read.")
    last = _last_failed(observed.pods)
    if last is not None:
        return Problem(
            RETRYING, f"{_why(observed, last).message} Kubernetes tries again by itself ({job.failed} failed so far)."
        )
    return no_pod(job, now) or Problem(PENDING, "The Job is made; its pod comes next.")


def _why(observed: Observed, pod: PodState) -> Problem:
    return why_failed(pod, WORK, MEMORY_FIELD, quoted=observed.spec.trainer.logs == "Quoted")


def _last_failed(pods: tuple[PodState, ...]) -> PodState | None:
    return next((each for each in reversed(pods) if each.phase == "Failed"), None)


def _too_long(observed: Observed) -> Problem:
    limit = f"Training took longer than activeDeadlineSeconds ({observed.spec.active_deadline_seconds} s)."
    before = stored_finding(observed.status.get("conditions") or [], SUCCEEDED)
    # The Job's pods are removed at the deadline; what kept them from running is only in the status by then.
    if before is not None and before.reason in STUCK:
        return Problem(DEADLINE_EXCEEDED, f"{limit} Until then: {before.message}")
    return Problem(DEADLINE_EXCEEDED, limit)


def _said(job: JobState) -> str:
    return sentence(clean(job.message or job.reason, 700) or "no reason was given")
