"""From findings to the conditions of a status and the events that tell of their change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from perennial.api.conditions import RECONCILING, STALLED
from perennial.core.conditions import Condition, drop_condition, find_condition, set_condition

Status = Literal["True", "False", "Unknown"]
MESSAGE_LIMIT = 2048


@dataclass(frozen=True)
class Finding:
    """The value of one condition."""

    status: Status
    reason: str
    message: str


@dataclass(frozen=True)
class Telling:
    """An event for people: emitted after the status that it tells of is written."""

    warning: bool
    reason: str
    action: str
    note: str


def merge(
    stored: Sequence[Condition], findings: Mapping[str, Finding | None], generation: int, now: datetime
) -> list[Condition]:
    """The stored conditions with these set; a finding of None takes the condition away."""
    conditions = list(stored)
    for type_, finding in findings.items():
        if finding is None:
            conditions = drop_condition(conditions, type_)
        else:
            conditions = set_condition(
                conditions,
                type=type_,
                status=finding.status,
                reason=finding.reason,
                message=finding.message[:MESSAGE_LIMIT],
                generation=generation,
                now=now,
            )
    return conditions


def progress(main: Finding, *, active: bool, stalled: bool) -> dict[str, Finding | None]:
    """Reconciling and Stalled, which are there only while true and say the same as the main condition."""
    true = Finding("True", main.reason, main.message)
    return {RECONCILING: true if active else None, STALLED: true if stalled else None}


def stored_finding(conditions: Sequence[Mapping[str, Any]], type_: str) -> Finding | None:
    """A condition as it was written before."""
    found = find_condition([dict(each) for each in conditions], type_)
    return None if found is None else Finding(found["status"], found["reason"], found["message"])


def changed(old: Finding | None, new: Finding | None) -> bool:
    """Whether people should hear of it: the status or the reason is another. A new wording is no event."""
    if new is None:
        return False
    return old is None or (old.status, old.reason) != (new.status, new.reason)
