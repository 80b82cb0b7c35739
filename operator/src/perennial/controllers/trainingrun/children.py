"""The Job of a run, by the contract between operator and training images (docs/contracts.md)."""

from __future__ import annotations

import json

from perennial.api.pods import EnvVar
from perennial.api.trainingrun import TrainingRunSpec
from perennial.controllers.jobs.pod import TERMINATION_LOG, Limits, Mount, Work, job, literal
from perennial.controllers.labels import MODEL, made_by, owner_reference
from perennial.controllers.trainingrun import places
from perennial.ports.kinds import TRAINING_RUN
from perennial.ports.kube import Object

CONTAINER = "train"
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def training_job(run: Object, spec: TrainingRunSpec, default_image: str) -> Object:
    """The Job that executes the run once; it has the run's name."""
    metadata = run["metadata"]
    return job(
        metadata["name"],
        owner_reference(TRAINING_RUN, run),
        metadata["namespace"],
        made_by(TRAINING_RUN, metadata["name"]) | {MODEL: spec.model_name},
        _work(run, spec, default_image),
        Limits(spec.backoff_limit, spec.active_deadline_seconds),
    )


def image(spec: TrainingRunSpec, default_image: str) -> str:
    """The image that trains."""
    return spec.trainer.image or default_image


def _work(run: Object, spec: TrainingRunSpec, default_image: str) -> Work:
    trainer, metadata = spec.trainer, run["metadata"]
    folder = places.output(spec, metadata["namespace"], metadata["uid"])
    return Work(
        container=CONTAINER,
        image=image(spec, default_image),
        command=trainer.command,
        args=trainer.args if trainer.command else ["train"],
        env=_environment(run, spec),
        mounts=[
            Mount(places.data(spec).claim, places.DATA_ROOT),
            Mount(folder.claim, places.OUTPUT_PATH, folder.path, read_only=False),
        ],
        private_log=trainer.logs == "Private",
        resources=trainer.resources.model_dump(exclude_defaults=True) if trainer.resources else None,
    )


def _environment(run: Object, spec: TrainingRunSpec) -> list[Object]:
    # People may set the libraries' own variables, but none of the contract's.
    threads = dict.fromkeys(THREAD_VARIABLES, str(spec.trainer.threads))
    entries = [
        *literal({"HOME": "/tmp"} | threads),  # noqa: S108
        *(_user_variable(each) for each in spec.trainer.env),
        *literal(_contract(run, spec)),
    ]
    return list({each["name"]: each for each in entries}.values())


def _user_variable(variable: EnvVar) -> Object:
    return variable.model_dump(by_alias=True, exclude_none=True)


def _contract(run: Object, spec: TrainingRunSpec) -> dict[str, str]:
    metadata, trainer = run["metadata"], spec.trainer
    values = {
        "NAMESPACE": metadata["namespace"],
        "RUN_NAME": metadata["name"],
        "RUN_UID": metadata["uid"],
        "MODEL_NAME": spec.model_name,
        "DATA_URI": spec.data.uri,
        "DATA_PATH": places.data_path(spec),
        "DATA_SHA256": spec.data.sha256,
        "ESTIMATOR": trainer.estimator.model_dump_json(by_alias=True) if trainer.estimator else None,
        "PARAMS": json.dumps(trainer.params, sort_keys=True),
        "SEED": str(spec.seed),
        "THREADS": str(trainer.threads),
        "HOLDOUT_PERCENT": str(spec.evaluation.holdout_percent),
        "METRICS": json.dumps(spec.evaluation.metrics),
        "OUTPUT_PATH": places.OUTPUT_PATH,
        "OUTPUT_URI": places.output(spec, metadata["namespace"], metadata["uid"]).uri,
        "OUTCOME_PATH": TERMINATION_LOG,
    }
    return {f"PERENNIAL_{name}": value for name, value in values.items() if value is not None}
