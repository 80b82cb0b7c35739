"""ModelDeployments as an apiserver would give them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from perennial.cli.deployment import Deployment
from perennial.core.conditions import format_time

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
RECORDED = sorted((Path(__file__).parents[1] / "argocd/recorded/ModelDeployment").glob("*.json"))
STABLE, CANARY, EARLIER = "stablerevision", "canaryrevision", "earlierrevision"


def ago(seconds: float) -> str:
    return format_time(NOW - timedelta(seconds=seconds))


def recorded(path: Path) -> dict[str, Any]:
    obj: dict[str, Any] = json.loads(path.read_text())["object"]
    return obj


def condition(kind: str, status: str, reason: str, message: str = "") -> dict[str, Any]:
    return {"type": kind, "status": status, "reason": reason, "message": message or f"It is {reason}."}


def entry(
    version: int, revision: str, outcome: str, seconds: float = 3600, message: str = "So it was."
) -> dict[str, Any]:
    said = {"outcome": outcome, "time": ago(seconds), "message": message}
    return {"version": version, "revision": revision, "versionUid": f"uid-{version}", **said}


def managed(manager: str, operation: str, *fields: str) -> dict[str, Any]:
    """An entry of managedFields for fields of the spec such as "rollout.promote"."""
    owned: dict[str, Any] = {}
    for field in fields:
        into = owned
        for part in field.split("."):
            into = into.setdefault(f"f:{part}", {})
    return {"manager": manager, "operation": operation, "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": owned}}


def obj(
    *conditions: dict[str, Any], spec: dict[str, Any] | None = None, fields: tuple[Any, ...] = (), **status: Any
) -> dict[str, Any]:
    """Version 1 serves; more by arguments."""
    metadata = {"namespace": "flights", "name": "late", "uid": "u", "resourceVersion": "7", "generation": 3}
    stable = {"version": 1, "revision": STABLE, "inferenceService": f"late-{STABLE}"}
    return {
        "metadata": {**metadata, "managedFields": list(fields)},
        "spec": {"modelName": "late", "paused": False, "rollout": {}, **(spec or {})},
        "status": {"observedGeneration": 3, "stable": stable, "conditions": list(conditions), **status},
    }


def canary(weight: int = 10, step: int = 0, **more: Any) -> dict[str, Any]:
    times = {"since": ago(120), "started": ago(300)}
    return {"version": 2, "revision": CANARY, "weight": weight, "step": step, **times, **more}


def rolling(**more: Any) -> Deployment:
    return Deployment.of(obj(condition("Reconciling", "True", "InsufficientEvidence"), canary=canary(), **more))


def rolled_back(**more: Any) -> Deployment:
    history = [entry(2, CANARY, "RolledBack"), entry(1, STABLE, "Deployed")]
    return Deployment.of(obj(condition("Stalled", "True", "RolledBack"), history=history, **more))


def steady(**more: Any) -> Deployment:
    return Deployment.of(
        obj(condition("Ready", "True", "Serving"), condition("UpToDate", "True", "TargetServes"), **more)
    )
