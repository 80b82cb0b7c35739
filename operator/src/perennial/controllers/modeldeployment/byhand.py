"""What people ask for by hand: `paused`, and `rollout` with `promote`, `advance`, `reject` and `retry`. Pure.

People leave these fields where they are, so each pass must tell what is still to be done from what is over. A token
to retry is kept on the record of the revision that was wanted when it was first seen, and is for no other. A revision
to promote is marked once it served or was rolled back, until the field names another. A rejection simply stands.
"""

from __future__ import annotations

from dataclasses import replace

from perennial.api.modeldeployment_status import CanaryStatus
from perennial.controllers.findings import Telling
from perennial.controllers.modeldeployment import naming
from perennial.controllers.modeldeployment.course import CANARY, Course
from perennial.controllers.modeldeployment.move import Move
from perennial.controllers.modeldeployment.observed import Observed
from perennial.controllers.modeldeployment.revision import ROLLED_BACK, Record
from perennial.controllers.modeldeployment.target import Problem
from perennial.core.conditions import find_condition
from perennial.rollout import HoldReason

PAUSED = HoldReason.PAUSED.value


def promotes(seen: Observed, record: Record) -> bool:
    """Whether a person wants this canary to take over."""
    return seen.spec.rollout.promote == record.revision and not record.promoted


def opened(seen: Observed, canary: CanaryStatus) -> bool:
    """Whether a person lets this canary out of the step that it is at."""
    revision, _, step = (seen.spec.rollout.advance or "").partition("/")
    return revision == canary.revision and canary.step <= int(step)


def rejection(seen: Observed, record: Record) -> str | None:
    """Why a revision is rolled back, if a person rejects it."""
    if seen.spec.rollout.reject != record.revision:
        return None
    return f"Version {record.version} was rejected by hand (spec.rollout.reject)."


def retries(seen: Observed, course: Course, record: Record) -> bool:
    """Whether a revision that was rolled back is to be tried again: not before its rollback is over and told."""
    if course.role(record.revision) == CANARY or rejection(seen, record):
        return False
    return _is_new(seen)


def _is_new(seen: Observed) -> bool:
    token = seen.spec.rollout.retry
    return token is not None and all(record.retried != token for record in seen.records)


def remains(seen: Observed, course: Course, record: Record) -> bool:
    """Whether anything is left of a revision's last try: its pods or its Job would end the next one at once."""
    if course.role(record.revision):
        return False
    labels = {naming.REVISION_LABEL: record.revision, naming.COMPONENT_LABEL: naming.SERVER}.items()
    living = (each["metadata"] for each in seen.pods if "deletionTimestamp" not in each["metadata"])
    return (
        record.service in seen.services
        or naming.preflight_name(seen.name, record.revision) in seen.jobs
        or any(labels <= metadata.get("labels", {}).items() for metadata in living)
    )


def marked(seen: Observed, record: Record, *, target: bool, serves: bool) -> Record:
    """A record with what must be remembered of the fields; its outcome is that after this pass."""
    rolled_back, token = record.outcome == ROLLED_BACK, seen.spec.rollout.retry
    if target and token and not rolled_back and _is_new(seen):
        record = replace(record, retried=token)
    over = record.promoted or serves or rolled_back
    return replace(record, promoted=over and seen.spec.rollout.promote == record.revision)


def needed(seen: Observed, record: Record) -> bool:
    """Whether forgetting a record would make a value that is left over count again."""
    return record.promoted or (record.retried != "" and record.retried == seen.spec.rollout.retry)


def held(seen: Observed, record: Record) -> bool:
    """Whether a canary stays though another revision is wanted: paused, and its version may still be served."""
    return seen.spec.paused and may_serve(seen, record)


def may_serve(seen: Observed, record: Record) -> bool:
    """Whether the version of a revision is there, verified and not Rejected."""
    version = next((each for each in seen.versions if each.uid == record.version_uid), None)
    return version is not None and version.verified and version.spec.approval.decision != "Rejected"


def waits(target: Record, stable: Record) -> Problem:
    """What is said while a rollout may not begin."""
    return Problem(
        PAUSED,
        f"Version {target.version} waits beside version {stable.version}: spec.paused is true. Set it to false to begin"
        " the rollout.",
    )


def stays(canary: CanaryStatus) -> Problem:
    """What is said while a canary may not go on."""
    return Problem(
        PAUSED,
        f"Version {canary.version} stays at {canary.weight} % of requests: spec.paused is true. Set it to false to go"
        f" on, or name {canary.revision} in spec.rollout.promote or spec.rollout.reject.",
    )


def gate(canary: CanaryStatus) -> Problem:
    """What is said while a canary waits at a gate."""
    token = f"{canary.revision}/{canary.step}"
    return Problem(
        HoldReason.AWAITING_PROMOTION,
        f"Version {canary.version} may go on, and waits for a person: name {token} in spec.rollout.advance, or"
        f" {canary.revision} in spec.rollout.promote or spec.rollout.reject.",
    )


def at_hand_weight(canary: CanaryStatus) -> Problem:
    """What is said while a canary stays at the weight that a person set."""
    return Problem(
        HoldReason.AWAITING_PROMOTION,
        f"Version {canary.version} stays at {canary.weight} % of requests, as spec.strategy.canary.weight says; change"
        f" it, or name {canary.revision} in spec.rollout.promote or spec.rollout.reject.",
    )


def told(seen: Observed, move: Move) -> Move:
    """The move, with an event when a rollout comes to a pause or leaves it."""
    stored = [each.model_dump(by_alias=True) for each in seen.status.conditions]
    before = find_condition(stored, "Reconciling")
    was = before is not None and before["reason"] == PAUSED
    now = move.progress if move.progress and move.progress.reason == PAUSED and not move.stalled else None
    if now and not was:
        return replace(move, tellings=(*move.tellings, Telling(False, PAUSED, "Pause", now.message)))
    if was and not seen.spec.paused:
        note = "spec.paused is false: the rollout goes on."
        return replace(move, tellings=(Telling(False, "Resumed", "Resume", note), *move.tellings))
    return move
