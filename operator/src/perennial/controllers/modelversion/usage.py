"""Which ModelDeployments serve a version, or have rolled it back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from perennial.core.conditions import parse_time
from perennial.ports.kube import Object

ROLES = ("stable", "canary", "previous")
TEXT_LIMIT = 1024


@dataclass(frozen=True)
class Usage:
    """Names of ModelDeployments, sorted, and the same as text: "flights (stable)"."""

    in_use_by: tuple[str, ...]
    in_use: str | None
    rejected_by: tuple[str, ...]


def usage(deployments: Sequence[Object], version: int, created: datetime) -> Usage:
    """What the deployments of a model say in their status about its version of this number.

    `created` is the version's own time: what was rolled back before it was another one of the same number.
    """
    roles = {each["metadata"]["name"]: _roles(each, version) for each in deployments}
    used = {name: roles[name] for name in sorted(roles) if roles[name]}
    text = ", ".join(f"{name} ({', '.join(its)})" for name, its in used.items())
    rejecting = sorted(each["metadata"]["name"] for each in deployments if _rolled_back(each, version, created))
    return Usage(tuple(used), text[:TEXT_LIMIT] or None, tuple(rejecting))


def _roles(deployment: Object, version: int) -> list[str]:
    status = deployment.get("status") or {}
    return [role for role in ROLES if (status.get(role) or {}).get("version") == version]


def _rolled_back(deployment: Object, version: int, created: datetime) -> bool:
    history = (deployment.get("status") or {}).get("history") or []
    # Newest first: a version that was rolled back, tried again and promoted is not rejected any more.
    last = next((each for each in history if each["version"] == version), None)
    return last is not None and last["outcome"] == "RolledBack" and parse_time(last["time"]) >= created
