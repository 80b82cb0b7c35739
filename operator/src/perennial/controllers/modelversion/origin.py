"""What a version's own run says of it.

Anyone who may create versions can write the name and uid of a run on one. So the reference proves nothing; what
does is the run's status, which only the operator writes and which names the version by its uid.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from perennial.api.conditions import GATES_PASSED, SUCCEEDED
from perennial.controllers.findings import Finding, stored_finding
from perennial.ports.kube import Object


def registered_by(run: Object | None, version: Object) -> bool:
    """Whether the run says that it made this very version."""
    if run is None:
        return False
    reference = _status(run).get("modelVersionRef") or {}
    return bool(reference.get("uid") == version["metadata"]["uid"])


def is_active(run: Object | None) -> bool:
    """Whether the run has yet to say what it made."""
    if run is None:
        return False
    succeeded = stored_finding(_status(run).get("conditions") or [], SUCCEEDED)
    return succeeded is None or succeeded.status == "Unknown"


def gates(run: Object) -> Finding | None:
    """How the gates of the run came out."""
    return stored_finding(_status(run).get("conditions") or [], GATES_PASSED)


def metric(run: Object) -> str | None:
    """The metric that the run's spec puts first, as text."""
    value = _status(run).get("metric")
    return None if value is None else str(value)


def _status(run: Object) -> Mapping[str, Any]:
    return run.get("status") or {}
