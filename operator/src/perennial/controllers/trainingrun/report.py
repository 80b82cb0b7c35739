"""From what was found out about a run to its status and to the events that tell of the change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from perennial.api.conditions import DATA_READY, GATES_PASSED, SUCCEEDED
from perennial.api.trainingrun import DATA_NOT_FOUND, NOT_EVALUATED_YET, NOT_READ_YET, PENDING, REGISTERING, RUNNING
from perennial.controllers.findings import Finding, Telling, changed, merge, progress, stored_finding
from perennial.controllers.plan import Creation, Plan
from perennial.controllers.trainingrun.observe import Observed
from perennial.core.conditions import format_time

CALM = frozenset((PENDING, RUNNING, REGISTERING))
UNREAD = Finding("Unknown", NOT_READ_YET, "The claim is there; the data is read when training starts.")
READ_BY_NONE = Finding("Unknown", NOT_READ_YET, "The run ended before it said what data it had read.")
UNEVALUATED = Finding("Unknown", NOT_EVALUATED_YET, "The gates are evaluated when training has ended.")
NOTHING_MADE = Finding("Unknown", NOT_EVALUATED_YET, "No model was made, so there is nothing to evaluate.")


@dataclass(frozen=True)
class Report:
    """What a pass found out. A run is active until `succeeded` is known; `stalled` asks for a person."""

    succeeded: Finding
    data: Finding = UNREAD
    gates: Finding = UNEVALUATED
    stalled: bool = False
    fields: Mapping[str, Any] = field(default_factory=dict)


def waiting(reason: str, message: str, data: Finding = UNREAD, *, stalled: bool = False) -> Report:
    """The run is not over; when it is `stalled` nothing happens before a person has done something."""
    return Report(Finding("Unknown", reason, message), data, stalled=stalled)


def failed(reason: str, message: str, ended: datetime, data: Finding = READ_BY_NONE) -> Report:
    """The run is over and made nothing."""
    fields = {"completionTime": format_time(ended)}
    return Report(Finding("False", reason, message), data, NOTHING_MADE, stalled=True, fields=fields)


def no_data(claim: str) -> Finding:
    """DataReady when the data's claim is absent."""
    message = f"There is no PersistentVolumeClaim {claim}; create it and the run goes on by itself."
    return Finding("False", DATA_NOT_FOUND, message)


def plan(
    observed: Observed,
    report: Report,
    now: datetime,
    create: Creation | None = None,
    requeue_after: float | None = None,
) -> Plan:
    """The status that says what was found, and the events of what is new in it."""
    return Plan(
        status=_status(observed, report, now),
        create=create,
        tellings=_tellings(observed, report),
        requeue_after=requeue_after,
    )


def _status(observed: Observed, report: Report, now: datetime) -> dict[str, Any]:
    stored, generation = observed.status, observed.run["metadata"]["generation"]
    active = report.succeeded.status == "Unknown" and not report.stalled
    findings = {
        SUCCEEDED: report.succeeded,
        DATA_READY: report.data,
        GATES_PASSED: report.gates,
        **progress(report.succeeded, active=active, stalled=report.stalled),
    }
    kept = {name: stored.get(name) for name in ("jobRef", "startTime")}
    return {
        "observedGeneration": generation,
        "conditions": merge(stored.get("conditions") or [], findings, generation, now),
        **kept,
        **_of_job(observed),
        **report.fields,
    }


def _of_job(observed: Observed) -> dict[str, Any]:
    job = observed.job
    if job is None:
        return {}
    return {"jobRef": {"name": job.name, "uid": job.uid}, "startTime": format_time(job.created)}


def _tellings(observed: Observed, report: Report) -> tuple[Telling, ...]:
    conditions = observed.status.get("conditions") or []
    tellings = []
    if changed(stored_finding(conditions, SUCCEEDED), report.succeeded):
        warning = report.stalled or (report.succeeded.status == "Unknown" and report.succeeded.reason not in CALM)
        tellings.append(Telling(warning, report.succeeded.reason, "Train", report.succeeded.message))
    if report.gates.status == "False" and changed(stored_finding(conditions, GATES_PASSED), report.gates):
        tellings.append(Telling(True, report.gates.reason, "Evaluate", report.gates.message))
    return tuple(tellings)
