"""Who wrote a field of a ModelDeployment, and so what the plugin may write. Pure.

Server-side apply states a manager's whole intent: what it applied before and leaves out now is taken away. So an intent
carries what the plugin owns already. Its writes are forced only after a look at the owners: whoever *applies* a field
declares it in a file, which would be put back, so that is refused. Whoever merely *updated* it (`kubectl patch` or
`edit`, the buttons of Argo CD; with a client-side apply also the defaults that the apiserver added) said it once.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

MANAGER = "kubectl-perennial"
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"

Path = tuple[str, ...]
PAUSED: Path = ("paused",)
PROMOTE: Path = ("rollout", "promote")
ADVANCE: Path = ("rollout", "advance")
REJECT: Path = ("rollout", "reject")
RETRY: Path = ("rollout", "retry")
FIELDS = (PAUSED, PROMOTE, ADVANCE, REJECT, RETRY)
"""All that the plugin ever writes, below `spec`."""

NOTHING = "none"
"""Stands in a field that should be empty but is another's as well, who alone can take it away: it names no revision."""


class Refused(Exception):  # noqa: N818  it is an answer, not a fault
    """Why it is not done, and what to do instead: one sentence."""


@dataclass(frozen=True)
class Owner:
    """A manager of a field; `operation` is Apply or Update."""

    manager: str
    operation: str


def owners(obj: Mapping[str, Any], path: Path) -> list[Owner]:
    """Who owns a field of the spec, the plugin included."""
    return [
        Owner(str(entry.get("manager", "")), str(entry.get("operation", "")))
        for entry in obj["metadata"].get("managedFields") or []
        if not entry.get("subresource") and _names(entry.get("fieldsV1") or {}, path)
    ]


def value(spec: Mapping[str, Any], path: Path) -> Any:
    """A field of the spec; None where it is absent."""
    found: Any = spec
    for key in path:
        found = found.get(key) if isinstance(found, Mapping) else None
    return found


def intent(obj: Mapping[str, Any], change: Mapping[Path, Any]) -> dict[str, Any] | None:
    """The spec to apply for these values of fields (None: empty); None if they are so already.

    Raises Refused, naming who declares a field that would have to change.
    """
    spec = obj.get("spec") or {}
    due = {path: wanted for path, wanted in change.items() if value(spec, path) != wanted}
    if not due:
        return None
    for path in due:
        _may(obj, path)
    values = {path: value(spec, path) for path in FIELDS if _ours(obj, path)}
    for path, wanted in due.items():
        if wanted is None and any(each != _PLUGIN for each in owners(obj, path)):
            wanted = NOTHING
        values[path] = wanted
    return _nested((path, each) for path, each in values.items() if each is not None)


_PLUGIN = Owner(MANAGER, "Apply")


def _ours(obj: Mapping[str, Any], path: Path) -> bool:
    return _PLUGIN in owners(obj, path)


def _may(obj: Mapping[str, Any], path: Path) -> None:
    name, field = obj["metadata"]["name"], ".".join(("spec", *path))
    for owner in owners(obj, path):
        if owner.operation == "Apply" and owner.manager != MANAGER:
            raise Refused(
                f"{field} of {name} is declared by {owner.manager!r}, which would put it back: change it where that"
                " takes it from, or take it out there and try again."
            )
    if value(_last_applied(obj), path) is not None:
        raise Refused(
            f"{field} of {name} is written in the file that was applied with kubectl, and would come back with it:"
            " change it there, or take it out there, apply that and try again."
        )


def _last_applied(obj: Mapping[str, Any]) -> Mapping[str, Any]:
    text = (obj["metadata"].get("annotations") or {}).get(LAST_APPLIED)
    try:
        found = json.loads(text) if text else {}
    except ValueError:
        return {}
    spec = found.get("spec") if isinstance(found, Mapping) else None
    return spec if isinstance(spec, Mapping) else {}


def _names(fields: Mapping[str, Any], path: Path) -> bool:
    found: Any = fields
    for key in ("spec", *path):
        found = found.get(f"f:{key}") if isinstance(found, Mapping) else None
    return found is not None


def _nested(values: Iterator[tuple[Path, Any]]) -> dict[str, Any]:
    spec: dict[str, Any] = {}
    for path, each in values:
        into = spec
        for key in path[:-1]:
            into = into.setdefault(key, {})
        into[path[-1]] = each
    return spec
