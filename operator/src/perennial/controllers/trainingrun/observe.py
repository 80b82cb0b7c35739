"""Everything about a run that a decision needs, read live from the apiserver."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

from perennial.api.conditions import SUCCEEDED
from perennial.api.trainingrun import TrainingRunSpec
from perennial.controllers.findings import stored_finding
from perennial.controllers.jobs.state import JobState, PodState, is_pod_of, read_job, read_pod
from perennial.controllers.labels import RUN_UID, is_owned, label, made_by
from perennial.controllers.trainingrun import places
from perennial.controllers.trainingrun.children import CONTAINER
from perennial.controllers.trainingrun.memory import Ended, remembered
from perennial.ports.kinds import CONTROLLER_REVISION, JOB, MODEL_VERSION, PERSISTENT_VOLUME_CLAIM, POD, TRAINING_RUN
from perennial.ports.kube import Kube, Object


class Stranger(Enum):
    """Whose the Job of the run's name is, when it is not the run's."""

    LEFTOVER = "of an earlier run of the same name; the garbage collector removes it"
    TAKEN = "of someone else"


@dataclass(frozen=True)
class Observed:
    """One look at a run and its surroundings.

    `registered` are the versions that carry its uid; `ended` is the record of its failure.
    """

    run: Object
    spec: TrainingRunSpec
    default_image: str
    data_claim: bool = True
    output_claim: bool = True
    job: JobState | None = None
    stranger: Stranger | None = None
    pods: tuple[PodState, ...] = ()
    registered: tuple[Object, ...] = ()
    highest_version: int = 0
    ended: Ended | None = None

    @property
    def status(self) -> dict[str, Any]:
        """The status as it was read."""
        return self.run.get("status") or {}

    @property
    def finished(self) -> bool:
        """Whether the status says that the run is over. That is final."""
        succeeded = stored_finding(self.status.get("conditions") or [], SUCCEEDED)
        return succeeded is not None and succeeded.status != "Unknown" and "completionTime" in self.status


async def observe(kube: Kube, namespace: str, name: str, default_image: str) -> Observed | None:
    """The run as it is now; None when it is gone or going: the garbage collector takes its Job along."""
    run = await kube.get(TRAINING_RUN, namespace, name)
    if run is None or run["metadata"].get("deletionTimestamp"):
        return None
    spec = TrainingRunSpec.model_validate(run["spec"])
    uid = run["metadata"]["uid"]
    found = await kube.get(JOB, namespace, name)
    ours = found is not None and is_owned(found, uid)
    versions = [
        each for each in await kube.list(MODEL_VERSION, namespace) if each["spec"]["modelName"] == spec.model_name
    ]
    return Observed(
        run=run,
        spec=spec,
        default_image=default_image,
        data_claim=await _is_there(kube, namespace, places.data(spec).claim),
        output_claim=await _is_there(kube, namespace, places.output_claim(spec)),
        job=read_job(found) if found is not None and ours else None,
        stranger=None if found is None or ours else _stranger(found, name),
        pods=await _pods(kube, namespace, name, found) if found is not None and ours else (),
        registered=tuple(each for each in versions if _carries(each, uid)),
        ended=remembered(run, await kube.list(CONTROLLER_REVISION, namespace, made_by(TRAINING_RUN, name))),
        highest_version=max((each["spec"]["version"] for each in versions), default=0),
    )


async def _is_there(kube: Kube, namespace: str, claim: str) -> bool:
    return await kube.get(PERSISTENT_VOLUME_CLAIM, namespace, claim) is not None


async def _pods(kube: Kube, namespace: str, name: str, job: Object) -> tuple[PodState, ...]:
    pods = await kube.list(POD, namespace, made_by(TRAINING_RUN, name))
    states = [read_pod(each, CONTAINER) for each in pods if is_pod_of(each, job)]
    return tuple(sorted(states, key=lambda each: (each.created, each.name)))


def _stranger(job: Object, name: str) -> Stranger:
    owners = job["metadata"].get("ownerReferences") or []
    leftover = any(each.get("kind") == TRAINING_RUN.kind and each.get("name") == name for each in owners)
    return Stranger.LEFTOVER if leftover else Stranger.TAKEN


def _carries(version: Object, uid: str) -> bool:
    reference = version["spec"].get("trainingRunRef") or {}
    return label(version, RUN_UID) == uid and reference.get("uid") == uid
