"""What a version's status says. Pure: a look at the world and the time in, a plan out."""

from __future__ import annotations

from datetime import datetime

from perennial.api.conditions import GATES_PASSED, READY, VERIFIED
from perennial.api.modelversion import CHILD_REFUSED, NOT_APPROVED, NOT_VERIFIED, REJECTED, USABLE
from perennial.controllers.findings import Finding, Telling, changed, merge, progress, stored_finding
from perennial.controllers.headline import headline
from perennial.controllers.jobs.text import refusal, sentence
from perennial.controllers.modelversion.observe import Observed
from perennial.controllers.modelversion.origin import gates, metric, registered_by
from perennial.controllers.modelversion.usage import usage
from perennial.controllers.modelversion.verification import Verification, verify
from perennial.controllers.plan import Creation, Plan
from perennial.core.conditions import parse_time

REFUSED_SECONDS = 30.0


def decide(observed: Observed, now: datetime) -> Plan:
    """The plan for one pass."""
    return _plan(observed, verify(observed, now), now)


def refused(observed: Observed, creation: Creation, words: str, now: datetime) -> Plan:
    """The apiserver does not take the Job: a quota or an admission policy."""
    message = f"Kubernetes refuses the {creation.kind.kind}; it is tried again every 30 s: {refusal(words)}"
    finding = Finding("False", CHILD_REFUSED, message)
    return _plan(observed, Verification(finding, requeue_after=REFUSED_SECONDS), now)


def _plan(observed: Observed, verification: Verification, now: datetime) -> Plan:
    verified = verification.finding
    findings = {
        READY: _ready(observed, verified),
        VERIFIED: verified,
        GATES_PASSED: _gates(observed),
        **progress(verified, active=verified.status == "Unknown", stalled=verified.status == "False"),
    }
    return Plan(
        status=_fields(observed, findings, now),
        create=verification.create,
        tellings=_tellings(observed, findings),
        delete_jobs=verification.delete_jobs,
        requeue_after=verification.requeue_after,
    )


def _fields(observed: Observed, findings: dict[str, Finding | None], now: datetime) -> dict[str, object]:
    metadata = observed.version["metadata"]
    created = parse_time(metadata["creationTimestamp"])
    used = usage(observed.deployments, observed.spec.version, metadata["uid"], created)
    stored = observed.status.get("conditions") or []
    return {
        "observedGeneration": metadata["generation"],
        "conditions": merge(stored, findings, metadata["generation"], now),
        "inUseBy": list(used.in_use_by),
        "inUse": used.in_use,
        "rejectedBy": list(used.rejected_by),
        "metric": _metric(observed),
    }


def _ready(observed: Observed, verified: Finding) -> Finding:
    approval = observed.spec.approval
    if approval.decision == "Rejected":
        reason = f": {approval.reason}" if approval.reason else ""
        return Finding("False", REJECTED, sentence(f"{approval.by or 'Someone'} rejected it{reason}"))
    if approval.decision == "Pending":
        message = "A person must approve it: set spec.approval.decision to Approved."
        return Finding("False", NOT_APPROVED, message)
    if verified.status != "True":
        return Finding("False", NOT_VERIFIED, f"Its bytes are not verified: {verified.message}")
    return Finding("True", USABLE, "It is approved and verified; deployments may serve it.")


def _gates(observed: Observed) -> Finding | None:
    if observed.run is not None and registered_by(observed.run, observed.version):
        return gates(observed.run)
    # The run may be gone; what it said stays.
    return stored_finding(observed.status.get("conditions") or [], GATES_PASSED)


def _metric(observed: Observed) -> str | None:
    if observed.run is not None and registered_by(observed.run, observed.version):
        return metric(observed.run)
    return observed.status.get("metric") or headline(observed.spec.metrics)


def _tellings(observed: Observed, findings: dict[str, Finding | None]) -> tuple[Telling, ...]:
    conditions = observed.status.get("conditions") or []
    tellings = []
    for type_, action in ((VERIFIED, "Verify"), (READY, "Approve")):
        new = findings[type_]
        if new is None or not changed(stored_finding(conditions, type_), new):
            continue
        if new.status == "True" or (type_ == VERIFIED and new.status == "False"):
            tellings.append(Telling(new.status == "False", new.reason, action, new.message))
    return tuple(tellings)
