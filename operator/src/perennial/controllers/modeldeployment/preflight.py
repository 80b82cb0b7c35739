"""The preflight: a Job that sends golden rows through the gateway to a revision that no user can reach yet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from perennial.controllers.jobs.pod import TERMINATION_LOG, Limits, Mount, Work, literal
from perennial.controllers.jobs.pod import job as job_manifest
from perennial.controllers.jobs.said import read_failure
from perennial.controllers.jobs.state import read_job, read_pod
from perennial.controllers.jobs.text import clean, tail
from perennial.controllers.modeldeployment import naming
from perennial.controllers.modeldeployment.disruption import disruption
from perennial.controllers.modeldeployment.revision import Record
from perennial.controllers.modeldeployment.runtime import MODELS

CONTAINER = "preflight"
DEADLINE_SECONDS = 60
NO_ANSWER = "NoAnswer"
RESOURCES = {"requests": {"cpu": "50m", "memory": "128Mi"}, "limits": {"memory": "512Mi"}}


@dataclass(frozen=True)
class Result:
    """How a preflight stands, and the sentence that it ended with.

    Failed: the model answered, and not as it should. Unanswered: nothing was learned about it.
    """

    state: Literal["Absent", "Running", "Passed", "Failed", "Unanswered"]
    message: str = ""


def result(job: dict[str, Any] | None, pods: tuple[dict[str, Any], ...]) -> Result:
    """The result of a preflight Job whose pods these are."""
    if job is None:
        return Result("Absent")
    state = read_job(job)
    if state.finished == "Complete":
        return Result("Passed")
    if state.finished == "Failed":
        message = _sentence(pods) or clean(state.message, 300) or "its Job failed"
        return Result("Failed" if any(map(_judged, pods)) else "Unanswered", message)
    return Result("Running")


def _judged(pod: dict[str, Any]) -> bool:
    """Whether its container came to an end of its own, with an answer of the model."""
    said = read_pod(pod, CONTAINER)
    if disruption(pod) or said.exit_code is None or said.exit_reason == "OOMKilled":
        return False
    failure = read_failure(said.termination_message)
    return failure is None or failure.reason != NO_ANSWER


def _sentence(pods: tuple[dict[str, Any], ...]) -> str:
    """What the pod said: its outcome's sentence, or the last of its log where it left no outcome."""
    said = next((text for pod in pods if (text := read_pod(pod, CONTAINER).termination_message)), "")
    failure = read_failure(said)
    return failure.message if failure else tail(said, 300)


def job(deployment: dict[str, Any], record: Record, image: str, url: str, host: str, token: str) -> dict[str, Any]:
    """The preflight Job of a revision. ``url`` is the gateway's inside the cluster, up to the model's name."""
    name = naming.preflight_name(deployment["metadata"]["name"], record.revision)
    labels = {naming.REVISION_LABEL: record.revision, naming.COMPONENT_LABEL: naming.PREFLIGHT}
    metadata = naming.child_metadata(deployment, name, labels)
    claim, _, path = record.storage_uri.removeprefix("pvc://").partition("/")
    env = {
        "PERENNIAL_PREFLIGHT_URL": f"{url}:predict",
        "PERENNIAL_PREFLIGHT_HOST": host,
        "PERENNIAL_PREFLIGHT_TOKEN": token,
        "PERENNIAL_ARTIFACT_PATH": MODELS,
        "PERENNIAL_DEADLINE_SECONDS": str(DEADLINE_SECONDS),
        "PERENNIAL_OUTCOME_PATH": TERMINATION_LOG,
        "HOME": "/tmp",  # noqa: S108
    }
    mounts = [Mount(claim, MODELS, sub_path=path)]
    work = Work(CONTAINER, image, ["preflight"], literal(env), mounts, resources=RESOURCES)
    # Trying again is the preflight's own business, within its deadline: a wrong answer is final.
    limits = Limits(backoff=0, deadline_seconds=5 * DEADLINE_SECONDS)
    return job_manifest(name, metadata["ownerReferences"][0], metadata["namespace"], metadata["labels"], work, limits)
