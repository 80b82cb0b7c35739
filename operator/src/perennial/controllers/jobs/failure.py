"""Why a pod waits or failed, as one word for programs and one sentence for people.

Kubernetes spreads the answer over the phase, two kinds of conditions and the container's state; the order of the
questions here is the order of what is most telling.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from perennial.api.trainingrun import (
    CONTAINER_NOT_CREATED,
    EVICTED,
    FAILED,
    IMAGE_UNAVAILABLE,
    OUT_OF_MEMORY,
    POD_NOT_CREATED,
    UNSCHEDULABLE,
)
from perennial.controllers.jobs.said import boasts, read_failure
from perennial.controllers.jobs.state import JobState, PodState
from perennial.controllers.jobs.text import clean, sentence, tail

TEXT = 700
SIGKILL = 137
# The Job controller makes a pod within a second; one that is not there after so long is being refused.
POD_PATIENCE_SECONDS = 20

IMAGE_REASONS = frozenset(
    (
        "ErrImagePull",
        "ImagePullBackOff",
        "ErrImageNeverPull",
        "InvalidImageName",
        "ImageInspectError",
        "RegistryUnavailable",
        "SignatureValidationFailed",
    )
)
CONTAINER_REASONS = frozenset(("CreateContainerConfigError", "CreateContainerError", "RunContainerError"))


@dataclass(frozen=True)
class Problem:
    """A reason in CamelCase and one sentence that says what to do."""

    reason: str
    message: str


def why_waiting(pod: PodState) -> Problem | None:
    """What keeps a pod from running that time alone will not mend; None when nothing is known to."""
    if pod.unschedulable:
        return Problem(
            UNSCHEDULABLE, f"No node can take the pod; free capacity or ask for less: {_said(pod.unschedulable)}"
        )
    detail = _said(pod.waiting_message or pod.waiting_reason)
    if pod.waiting_reason in IMAGE_REASONS:
        return Problem(
            IMAGE_UNAVAILABLE,
            f"The image cannot be had ({pod.waiting_reason}); push it, or name another in a new object: {detail}",
        )
    if pod.waiting_reason in CONTAINER_REASONS:
        return Problem(
            CONTAINER_NOT_CREATED,
            f"The container cannot be made ({pod.waiting_reason}); mend what is named here: {detail}",
        )
    return None


def no_pod(job: JobState, now: datetime) -> Problem | None:
    """What to say of an unfinished Job that has never had a pod; None while one may yet come."""
    if (now - job.created).total_seconds() < POD_PATIENCE_SECONDS:
        return None
    return Problem(
        POD_NOT_CREATED,
        f"The Job {job.name} is made, but no pod can be created for it; a quota or an admission policy may forbid it:"
        f" `kubectl describe job {job.name}` says which. Once that is mended, Kubernetes tries again within a minute.",
    )


def why_failed(pod: PodState, work: str, memory_field: str | None, *, quoted: bool = True) -> Problem:
    """Why an attempt failed.

    `work` names it ("Training"); `memory_field` is where people give it more memory. The container's free words are
    repeated only if they may be `quoted`; its outcome is meant to be read.
    """
    if pod.reason == "Evicted" or pod.disrupted:
        return Problem(EVICTED, f"{work} was evicted from its node: {_said(pod.message or pod.disrupted)}")
    if pod.exit_reason == "OOMKilled" or pod.exit_code == SIGKILL:
        advice = f"; give it more in {memory_field}" if memory_field else ""
        return Problem(OUT_OF_MEMORY, f"{work} needed more memory than it may have and was killed (137){advice}.")
    told = read_failure(pod.termination_message)
    if told is not None:
        return Problem(told.reason, sentence(told.message))
    if pod.exit_code is None:
        return Problem(FAILED, f"The pod failed before {work.lower()} could end: {_said(pod.message or pod.reason)}")
    return Problem(FAILED, _exit_sentence(pod, work, quoted=quoted))


def _exit_sentence(pod: PodState, work: str, *, quoted: bool) -> str:
    if boasts(pod.termination_message):
        return f"{work} ended with exit code {pod.exit_code}, although its outcome says that it succeeded."
    if not quoted:
        return f"{work} ended with exit code {pod.exit_code}; its log is private: see the log of pod {pod.name}."
    last_words = tail(pod.termination_message, TEXT)
    if not last_words:
        return f"{work} ended with exit code {pod.exit_code} and said nothing; see the log of pod {pod.name}."
    return sentence(f"{work} ended with exit code {pod.exit_code}: {last_words}")


def _said(text: str) -> str:
    return sentence(clean(text, TEXT) or "no reason was given")
