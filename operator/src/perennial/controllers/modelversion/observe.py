"""Everything about a version that a decision needs, read live from the apiserver."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from perennial.api.modelversion import ModelVersionSpec
from perennial.controllers.jobs.claims import parse_claim_path
from perennial.controllers.jobs.state import JobState, PodState, is_pod_of, read_job, read_pod
from perennial.controllers.labels import is_owned, made_by
from perennial.controllers.modelversion.children import CONTAINER, verify_job_name
from perennial.ports.kinds import JOB, MODEL_DEPLOYMENT, MODEL_VERSION, PERSISTENT_VOLUME_CLAIM, POD, TRAINING_RUN
from perennial.ports.kube import Kube, Object, Objects


@dataclass(frozen=True)
class Observed:
    """One look at a version and its surroundings.

    `run` is the run of spec.trainingRunRef if one of that uid exists. `job` verifies the artifact at its present
    address; `old_jobs` did so at another.
    """

    version: Object
    spec: ModelVersionSpec
    default_image: str
    run: Object | None = None
    deployments: tuple[Object, ...] = ()
    claim: bool = True
    name_taken: bool = False
    job: JobState | None = None
    pods: tuple[PodState, ...] = ()
    old_jobs: tuple[Object, ...] = ()

    @property
    def status(self) -> dict[str, Any]:
        """The status as it was read."""
        return self.version.get("status") or {}


async def observe(kube: Kube, namespace: str, name: str, default_image: str) -> Observed | None:
    """The version as it is now; None when it is gone or going."""
    version = await kube.get(MODEL_VERSION, namespace, name)
    if version is None or version["metadata"].get("deletionTimestamp"):
        return None
    spec = ModelVersionSpec.model_validate(version["spec"])
    uid, job_name = version["metadata"]["uid"], verify_job_name(version)
    found = await kube.get(JOB, namespace, job_name)
    ours = found is not None and is_owned(found, uid)
    claim = await kube.get(PERSISTENT_VOLUME_CLAIM, namespace, parse_claim_path(spec.artifact.uri).claim)
    jobs = [each for each in await kube.list(JOB, namespace, made_by(MODEL_VERSION, name)) if is_owned(each, uid)]
    return Observed(
        version=version,
        spec=spec,
        default_image=default_image,
        run=await _run(kube, namespace, spec),
        deployments=tuple(await _deployments(kube, namespace, spec.model_name)),
        claim=claim is not None,
        name_taken=found is not None and not ours,
        job=read_job(found) if found is not None and ours else None,
        pods=await _pods(kube, namespace, name, found) if found is not None and ours else (),
        old_jobs=tuple(each for each in jobs if each["metadata"]["name"] != job_name),
    )


async def _run(kube: Kube, namespace: str, spec: ModelVersionSpec) -> Object | None:
    reference = spec.training_run_ref
    if reference is None:
        return None
    run = await kube.get(TRAINING_RUN, namespace, reference.name)
    return run if run is not None and run["metadata"]["uid"] == reference.uid else None


async def _deployments(kube: Kube, namespace: str, model: str) -> Objects:
    return [each for each in await kube.list(MODEL_DEPLOYMENT, namespace) if each["spec"]["modelName"] == model]


async def _pods(kube: Kube, namespace: str, name: str, job: Object) -> tuple[PodState, ...]:
    pods = await kube.list(POD, namespace, made_by(MODEL_VERSION, name))
    states = [read_pod(each, CONTAINER) for each in pods if is_pod_of(each, job)]
    return tuple(sorted(states, key=lambda each: (each.created, each.name)))
