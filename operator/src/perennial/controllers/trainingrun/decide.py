"""What a run needs next. Pure: a look at the world and the time in, a plan out."""

from __future__ import annotations

from datetime import datetime, timedelta

from perennial.api.modelversion import GREATEST_VERSION, ModelVersionSpec
from perennial.api.trainingrun import (
    CHILD_REFUSED,
    COMPLETED,
    DATA_NOT_FOUND,
    DATA_READ,
    JOB_LOST,
    NAME_TAKEN,
    OUTCOME_INVALID,
    OUTPUT_NOT_FOUND,
    PENDING,
    REGISTERING,
)
from perennial.controllers.findings import Finding
from perennial.controllers.headline import headline
from perennial.controllers.jobs.failure import POD_PATIENCE_SECONDS, Problem
from perennial.controllers.jobs.said import NotUnderstoodError, read_failure
from perennial.controllers.jobs.state import JobState
from perennial.controllers.jobs.text import refusal, sentence
from perennial.controllers.plan import Creation, Plan
from perennial.controllers.trainingrun import attempts, places
from perennial.controllers.trainingrun.children import training_job
from perennial.controllers.trainingrun.gates import evaluate, gates_finding
from perennial.controllers.trainingrun.memory import keep
from perennial.controllers.trainingrun.observe import Observed, Stranger
from perennial.controllers.trainingrun.outcome import Success, read_success
from perennial.controllers.trainingrun.report import READ_BY_NONE, Report, failed, no_data, plan, waiting
from perennial.controllers.trainingrun.versions import completed_message, version_manifest
from perennial.core.conditions import format_time, parse_time
from perennial.ports.kinds import JOB, MODEL_VERSION
from perennial.ports.kube import Object

# Claims, and Jobs of others, are not watched.
POLL_SECONDS = 5.0
REFUSED_SECONDS = 30.0
# Failures of a container that mean that the data could not be used; they are shown as DataReady=False too.
DATA_REASONS = frozenset((DATA_NOT_FOUND, "DataDigestMismatch", "DataUnreadable"))


def decide(observed: Observed, now: datetime) -> Plan:
    """The plan for one pass."""
    return keep(observed.run, observed.ended, _decide(observed, now))


def _decide(observed: Observed, now: datetime) -> Plan:
    if observed.finished:
        return _clean_up(observed, now)
    if observed.ended is not None:
        # The status was lost after the run had failed. It must not train again, whether its Job is still there or not.
        ended = observed.ended
        return _fail(observed, Problem(ended.reason, ended.message), ended.time, now)
    if observed.stranger is not None:
        return _wait_for_name(observed, observed.stranger, now)
    if observed.job is None:
        return _without_job(observed, now)
    if observed.job.finished is None:
        return _watch(observed, observed.job, now)
    if observed.job.finished == "Failed":
        return _fail(observed, attempts.failure(observed, observed.job), observed.job.finished_at or now, now)
    return _harvest(observed, observed.job, now)


def refused(observed: Observed, creation: Creation, words: str, now: datetime) -> Plan:
    """The apiserver does not take what the run needs: a quota, an admission policy, an impossible resource."""
    message = f"Kubernetes refuses the {creation.kind.kind}; it is tried again every 30 s: {refusal(words)}"
    return plan(observed, waiting(CHILD_REFUSED, message, stalled=True), now, requeue_after=REFUSED_SECONDS)


def _clean_up(observed: Observed, now: datetime) -> Plan:
    if observed.job is None:
        return Plan(observed.status)
    ended = parse_time(observed.status["completionTime"])
    left = (ended + timedelta(seconds=observed.spec.ttl_seconds_after_finished) - now).total_seconds()
    if left > 0:
        return Plan(observed.status, requeue_after=left)
    return Plan(observed.status, delete_jobs=(observed.job.raw,))


def _wait_for_name(observed: Observed, stranger: Stranger, now: datetime) -> Plan:
    name = observed.run["metadata"]["name"]
    if stranger is Stranger.LEFTOVER:
        report = waiting(PENDING, f"The Job {name} of an earlier run of this name is being removed.")
    else:
        message = f"There is a Job {name} that is not of this run; delete it, or create a run with another name."
        report = waiting(NAME_TAKEN, message, stalled=True)
    return plan(observed, report, now, requeue_after=POLL_SECONDS)


def _without_job(observed: Observed, now: datetime) -> Plan:
    if observed.registered:
        # The status was lost after the version was made: the run is over and must not train again.
        return _complete(observed, observed.registered[0], now)
    if observed.status.get("jobRef"):
        message = "Its Job was deleted before the run was over; create a new run."
        return plan(observed, failed(JOB_LOST, message, now), now)
    if not observed.data_claim:
        absent = no_data(places.data(observed.spec).claim)
        return plan(observed, waiting(absent.reason, absent.message, absent), now, requeue_after=POLL_SECONDS)
    if not observed.output_claim:
        return _wait_for_output(observed, now)
    job = training_job(observed.run, observed.spec, observed.default_image)
    return plan(
        observed, waiting(PENDING, "The Job is being made."), now, Creation(JOB, job), requeue_after=POLL_SECONDS
    )


def _wait_for_output(observed: Observed, now: datetime) -> Plan:
    claim = places.output_claim(observed.spec)
    message = f"There is no PersistentVolumeClaim {claim} for the model; create it and the run goes on by itself."
    return plan(observed, waiting(OUTPUT_NOT_FOUND, message), now, requeue_after=POLL_SECONDS)


def _watch(observed: Observed, job: JobState, now: datetime) -> Plan:
    doing = attempts.going(observed, job, now)
    # A pod that never comes makes no event either.
    look_again = None if observed.pods else float(POD_PATIENCE_SECONDS)
    return plan(observed, waiting(doing.reason, doing.message), now, requeue_after=look_again)


def _fail(observed: Observed, problem: Problem, ended: datetime, now: datetime) -> Plan:
    about_data = problem.reason in DATA_REASONS
    data = Finding("False", problem.reason, problem.message) if about_data else READ_BY_NONE
    return plan(observed, failed(problem.reason, problem.message, ended, data), now)


def _harvest(observed: Observed, job: JobState, now: datetime) -> Plan:
    ended = job.finished_at or now
    text = attempts.last_words(observed.pods)
    young = (now - ended).total_seconds() < POD_PATIENCE_SECONDS
    if text is None and young and any(not each.over for each in observed.pods):
        # What was read of the pod is older than what was read of its Job; a run that fails now never trains again.
        ahead = waiting(REGISTERING, "The training is over; its outcome is about to be read.")
        return plan(observed, ahead, now, requeue_after=1.0)
    if text is None and observed.registered:
        return _complete(observed, observed.registered[0], now)
    told = read_failure(text or "")
    if told is not None:
        return _fail(observed, Problem(told.reason, sentence(told.message)), ended, now)
    try:
        success = _read(observed, text)
    except NotUnderstoodError as error:
        message = f"Training ended well, but its outcome cannot be used: {error}. See docs/contracts.md."
        return _fail(observed, Problem(OUTCOME_INVALID, message), ended, now)
    ours = next((each for each in observed.registered if _is_of(each, success)), None)
    return _register(observed, success, now) if ours is None else _complete(observed, ours, now)


def _read(observed: Observed, text: str | None) -> Success:
    if text is None:
        raise NotUnderstoodError("its pod was removed before it was read")
    metadata, spec = observed.run["metadata"], observed.spec
    folder = places.output(spec, metadata["namespace"], metadata["uid"])
    return read_success(text, folder, spec.data.sha256)


def _is_of(version: Object, success: Success) -> bool:
    # Anyone who may create versions could write this run's uid on one; the digest they cannot know before it is made.
    return bool(version["spec"]["artifact"]["sha256"] == success.artifact.sha256)


def _register(observed: Observed, success: Success, now: datetime) -> Plan:
    number = observed.highest_version + 1
    if number > GREATEST_VERSION:
        return _no_number(observed, now)
    body = version_manifest(observed.run, observed.spec, number, success, observed.default_image)
    report = waiting(REGISTERING, "Training has ended well; its version is being made.")
    return plan(observed, report, now, Creation(MODEL_VERSION, body), requeue_after=1.0)


def _no_number(observed: Observed, now: datetime) -> Plan:
    taken = f"{observed.spec.model_name}-{observed.highest_version}"
    message = f"{taken} has the greatest number that a version can have; delete it and the run goes on by itself."
    return plan(observed, waiting(NAME_TAKEN, message, stalled=True), now, requeue_after=POLL_SECONDS)


def _complete(observed: Observed, version: Object, now: datetime) -> Plan:
    metadata, made = version["metadata"], ModelVersionSpec.model_validate(version["spec"])
    spec, job = observed.spec, observed.job
    results = evaluate(spec.evaluation.gates, made.metrics)
    gates = gates_finding(results)
    ended = job.finished_at if job is not None and job.finished_at else parse_time(metadata["creationTimestamp"])
    preferred = [*(each.metric for each in spec.evaluation.gates), *spec.evaluation.metrics]
    lineage = made.lineage.model_dump(by_alias=True, exclude_none=True) if made.lineage else None
    report = Report(
        Finding("True", COMPLETED, completed_message(spec, metadata["name"], gates)),
        data=_data_read(made),
        gates=gates,
        fields={
            "completionTime": format_time(ended),
            # Server-side apply turns a map that becomes empty into null, which the schema refuses.
            "metrics": dict(made.metrics) or None,
            "metric": headline(made.metrics, preferred),
            "gates": [each.model_dump(by_alias=True) for each in results],
            "lineage": lineage,
            "modelVersionRef": {"name": metadata["name"], "uid": metadata["uid"]},
        },
    )
    left = float(spec.ttl_seconds_after_finished) if job is not None else None
    return plan(observed, report, now, requeue_after=left)


def _data_read(made: ModelVersionSpec) -> Finding:
    lineage = made.lineage
    rows = f"{lineage.data_rows} rows were read" if lineage and lineage.data_rows is not None else "The data was read"
    digest = f", with SHA-256 {lineage.data_digest}" if lineage and lineage.data_digest else ""
    return Finding("True", DATA_READ, f"{rows}{digest}.")
