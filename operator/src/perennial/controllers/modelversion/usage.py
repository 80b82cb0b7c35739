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


def usage(deployments: Sequence[Object], version: int, uid: str, created: datetime) -> Usage:
    """What the deployments of a model say in their status about its version of this number and uid.

    A number may be given again. Where a status names no uid (an earlier operator wrote it) the number counts, and of
    the history what came after `created`, the version's own time.
    """
    roles = {each["metadata"]["name"]: _roles(each, version, uid) for each in deployments}
    used = {name: roles[name] for name in sorted(roles) if roles[name]}
    text = ", ".join(f"{name} ({', '.join(its)})" for name, its in used.items())
    rejecting = sorted(each["metadata"]["name"] for each in deployments if _rolled_back(each, version, uid, created))
    return Usage(tuple(used), text[:TEXT_LIMIT] or None, tuple(rejecting))


def _roles(deployment: Object, version: int, uid: str) -> list[str]:
    status = deployment.get("status") or {}
    return [role for role in ROLES if _means(status.get(role) or {}, version, uid)]


def _means(said: Object, version: int, uid: str) -> bool:
    return said.get("version") == version and said.get("versionUid", uid) == uid


def _rolled_back(deployment: Object, version: int, uid: str, created: datetime) -> bool:
    history = (deployment.get("status") or {}).get("history") or []
    # Newest first: a version that was rolled back, tried again and promoted is not rejected any more.
    last = next((each for each in history if _means(each, version, uid)), None)
    return last is not None and last["outcome"] == "RolledBack" and parse_time(last["time"]) >= created
