"""The evidence about a rollout at this moment, from the operator's own metrics: status has it at each change only."""

from __future__ import annotations

import json
import math
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from typing import Any

from demo.scene import Scene

_SECONDS = 2
_METRIC = "perennial_rollout_evidence_nats"
# What is shown of a logarithm that has no end.
_MOST = 1e9


@dataclass(frozen=True)
class Evidence:
    """Odds for the next step and for rolling back."""

    advance: float
    rollback: float

    def beside(self, scene: Scene) -> str:
        """The odds beside those that each decision needs."""
        bounds = scene.bounds
        advance, rollback = (f"{min(each, _MOST):.3g}" for each in (self.advance, self.rollback))
        return f"advance {advance} of {bounds.advance:.0f}, roll back {rollback} of {bounds.rollback:.0f}"


def ask(prometheus: str, namespace: str, name: str) -> Evidence | None:
    """The evidence about a ModelDeployment's rollout; None while there is none, or no Prometheus that can say.

    Args:
        prometheus: its URL; empty where there is none.
        namespace: of the ModelDeployment.
        name: of the ModelDeployment.
    """
    if not prometheus:
        return None
    query = urllib.parse.urlencode({"query": f'{_METRIC}{{object_namespace="{namespace}",object_name="{name}"}}'})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"{prometheus}/api/v1/query?{query}", timeout=_SECONDS) as answer:
            return read(json.load(answer))
    except (urllib.error.URLError, OSError, ValueError):
        return None


def read(answer: dict[str, Any]) -> Evidence | None:
    """The evidence in an answer of Prometheus."""
    nats = {each["metric"].get("towards"): float(each["value"][1]) for each in answer["data"]["result"]}
    if not {"advance", "rollback"} <= set(nats):
        return None
    return Evidence(*(math.exp(min(nats[each], math.log(_MOST))) for each in ("advance", "rollback")))
