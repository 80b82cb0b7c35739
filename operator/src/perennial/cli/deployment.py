"""A ModelDeployment as the plugin reads it.

Plain look-ups instead of the API's types: the plugin of a laptop meets operators older and newer than itself, and must
show what it can of either.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from perennial.core.conditions import parse_time

PROVEN = ("Promoted", "Deployed")
"""Outcomes in history of revisions that served."""


@dataclass(frozen=True)
class Revision:
    """A revision that has a role; `weight` is its share of requests in percent, None where status does not tell."""

    version: int
    revision: str
    weight: int | None = None
    step: int = -1
    since: datetime | None = None
    until: datetime | None = None
    bake_until: datetime | None = None
    mirror: int | None = None


@dataclass(frozen=True)
class Condition:
    """One condition."""

    type: str
    status: str
    reason: str
    message: str


@dataclass(frozen=True)
class Past:
    """A line of history."""

    version: int
    revision: str
    outcome: str
    time: datetime | None
    message: str
    version_uid: str = ""


@dataclass(frozen=True)
class Numbers:
    """One metric of `status.analysis`, as it stands there."""

    name: str
    canary: str
    stable: str
    evidence: str
    note: str = ""


@dataclass(frozen=True)
class Deployment:
    """What is known of a ModelDeployment; `obj` is the whole of it."""

    namespace: str
    name: str
    obj: Mapping[str, Any]
    stable: Revision | None
    canary: Revision | None
    previous: Revision | None
    conditions: tuple[Condition, ...]
    history: tuple[Past, ...]
    verdict: str
    reason: str
    message: str
    numbers: tuple[Numbers, ...]
    read_at: datetime | None
    expected_seconds: float | None

    @classmethod
    def of(cls, obj: Mapping[str, Any]) -> Self:
        """Of the object as the apiserver gives it."""
        status = obj.get("status") or {}
        analysis = status.get("analysis") or {}
        return cls(
            namespace=str(obj["metadata"].get("namespace", "")),
            name=str(obj["metadata"]["name"]),
            obj=obj,
            stable=_revision(status.get("stable")),
            canary=_revision(status.get("canary")),
            previous=_revision(status.get("previous")),
            conditions=tuple(map(_condition, status.get("conditions") or [])),
            history=tuple(map(_past, status.get("history") or [])),
            verdict=str(analysis.get("verdict", "")),
            reason=str(analysis.get("reason", "")),
            message=str(analysis.get("message", "")),
            numbers=tuple(map(_numbers, analysis.get("metrics") or [])),
            read_at=_time(analysis.get("time")),
            expected_seconds=_number(analysis.get("expectedSeconds")),
        )

    @property
    def spec(self) -> Mapping[str, Any]:
        """What people asked for."""
        return self.obj.get("spec") or {}

    @property
    def generation(self) -> int:
        """Of the spec."""
        return int(self.obj["metadata"].get("generation", 0))

    @property
    def observed(self) -> int:
        """The generation that the operator has looked at; 0 before the first."""
        return int((self.obj.get("status") or {}).get("observedGeneration") or 0)

    def condition(self, kind: str) -> Condition | None:
        """The condition of this type, if there is one."""
        return next((each for each in self.conditions if each.type == kind), None)

    def is_true(self, kind: str, reason: str | None = None) -> bool:
        """Whether a condition is True, for this reason."""
        found = self.condition(kind)
        return found is not None and found.status == "True" and reason in (None, found.reason)


def _revision(found: Mapping[str, Any] | None) -> Revision | None:
    if not found:
        return None
    weight, mirror = found.get("weight"), found.get("mirror")
    return Revision(
        version=int(found.get("version", 0)),
        revision=str(found.get("revision", "")),
        weight=None if weight is None else int(weight),
        step=int(found.get("step", -1)),
        since=_time(found.get("since")),
        until=_time(found.get("until")),
        bake_until=_time(found.get("bakeUntil")),
        mirror=None if mirror is None else int(mirror),
    )


def _condition(found: Mapping[str, Any]) -> Condition:
    return Condition(*(str(found.get(key, "")) for key in ("type", "status", "reason", "message")))


def _past(found: Mapping[str, Any]) -> Past:
    return Past(
        version=int(found.get("version", 0)),
        revision=str(found.get("revision", "")),
        outcome=str(found.get("outcome", "")),
        time=_time(found.get("time")),
        message=str(found.get("message", "")),
        version_uid=str(found.get("versionUid", "")),
    )


def _numbers(found: Mapping[str, Any]) -> Numbers:
    return Numbers(*(str(found.get(key, "")) for key in ("name", "canary", "stable", "evidence", "note")))


def _time(text: object) -> datetime | None:
    try:
        return parse_time(str(text)) if text else None
    except ValueError:
        return None


def _number(found: object) -> float | None:
    try:
        return float(str(found)) if found is not None else None
    except ValueError:
        return None
