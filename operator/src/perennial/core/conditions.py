"""Conditions of a status: a list-map by type, changed by pure functions."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Literal

Condition = dict[str, Any]
ConditionStatus = Literal["True", "False", "Unknown"]


def set_condition(
    conditions: Sequence[Condition],
    *,
    type: str,  # noqa: A002  the field's name in Kubernetes
    status: ConditionStatus,
    reason: str,
    message: str,
    generation: int,
    now: datetime,
) -> list[Condition]:
    """The list with this condition in it; lastTransitionTime moves only when the status changes."""
    old = find_condition(conditions, type)
    moved = old is None or old.get("status") != status or "lastTransitionTime" not in old
    new: Condition = {
        "type": type,
        "status": status,
        "reason": reason,
        "message": message,
        "observedGeneration": generation,
        "lastTransitionTime": format_time(now) if moved or old is None else old["lastTransitionTime"],
    }
    if old is None:
        return [*conditions, new]
    return [new if condition.get("type") == type else condition for condition in conditions]


def drop_condition(conditions: Sequence[Condition], type: str) -> list[Condition]:  # noqa: A002
    """The list without the condition of this type."""
    return [condition for condition in conditions if condition.get("type") != type]


def find_condition(conditions: Sequence[Condition], type: str) -> Condition | None:  # noqa: A002
    """The condition of this type, or None."""
    return next((condition for condition in conditions if condition.get("type") == type), None)


def format_time(time: datetime) -> str:
    """RFC 3339 in UTC with whole seconds, as Kubernetes writes `metav1.Time`."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_time(text: str) -> datetime:
    """The UTC time that an RFC 3339 text stands for. Raises ValueError."""
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError(f"a time without its zone: {text!r}")
    return time.astimezone(UTC)
