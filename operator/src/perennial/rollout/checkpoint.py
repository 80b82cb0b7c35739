"""A rollout's evidence as compact text for `status`, and back, exactly.

Numbers are strings of their shortest exact decimal form, so that what replays from a checkpoint arrives at the same
number. A checkpoint is used only if engine version, revision and plan are the same: evidence is never carried over.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any

from perennial.rollout.evalue import Comparison, Counts
from perennial.rollout.plan import Plan
from perennial.rollout.rollback import PRIOR, Mixture
from perennial.rollout.state import ENGINE_VERSION, MetricState, State
from perennial.rollout.steering import Steering


@dataclass(frozen=True)
class Saved:
    """A state, the `step` it was at, and the end `at` (Unix seconds) of the last interval that it contains."""

    revision: str
    step: int
    at: float
    state: State


def fingerprint(plan: Plan) -> str:
    """What identifies a plan: 12 hex digits."""
    return hashlib.sha256(json.dumps(asdict(plan), sort_keys=True).encode()).hexdigest()[:12]


def encode(saved: Saved) -> str:
    """JSON of less than 2 KB for one metric and up to a dozen steps."""
    state = saved.state
    content = {
        "engine": ENGINE_VERSION,
        "revision": saved.revision,
        "plan": fingerprint(state.plan),
        "step": saved.step,
        "at": repr(float(saved.at)),
        "time": _texts(state.rps, state.seconds, state.idle_seconds, state.slack, state.peak),
        "metrics": [_encode_metric(metric) for metric in state.metrics],
    }
    return json.dumps(content, separators=(",", ":"))


def decode(text: str, revision: str, plan: Plan) -> Saved | None:
    """What `encode` was given; None if it is of another engine, revision or plan, or is not a checkpoint at all."""
    try:
        content = json.loads(text)
        wanted = (ENGINE_VERSION, revision, fingerprint(plan))
        if (content["engine"], content["revision"], content["plan"]) != wanted:
            return None
        metrics = tuple(_decode_metric(metric, len(plan.steps)) for metric in content["metrics"])
        rps, seconds, idle, slack, peak = _floats(content["time"])
        state = State(plan, rps, seconds, idle, metrics, slack, peak)
        return Saved(revision, int(content["step"]), float(content["at"]), state)
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def _texts(*numbers: float) -> list[str]:
    return [repr(float(number)) for number in numbers]


def _floats(texts: list[str]) -> tuple[float, ...]:
    return tuple(float(text) for text in texts)


def _encode_metric(metric: MetricState) -> dict[str, Any]:
    totals = metric.totals
    return {
        "name": metric.name,
        "set": _texts(metric.weight, metric.delta, metric.phi),
        "margins": _texts(*metric.margins),
        "guess": _texts(metric.steering.x, metric.steering.n),
        "rollback": _texts(*metric.mixture.logs, metric.mixture.log_reserve),
        "advance": _texts(*metric.advance),
        "totals": [totals.canary.n, totals.canary.bad, totals.stable.n, totals.stable.bad],
    }


def _decode_metric(content: dict[str, Any], moves: int) -> MetricState:
    weight, delta, phi = _floats(content["set"])
    x, n = _floats(content["guess"])
    *logs, reserve = _floats(content["rollback"])
    margins, advance = _floats(content["margins"]), _floats(content["advance"])
    if (len(logs), len(margins), len(advance)) != (len(PRIOR), moves, moves):
        raise ValueError("a checkpoint of another shape")
    canary_n, canary_bad, stable_n, stable_bad = (int(count) for count in content["totals"])
    totals = Comparison(Counts(canary_n, canary_bad), Counts(stable_n, stable_bad))
    mixture = Mixture(tuple(logs), reserve)
    return MetricState(content["name"], weight, delta, phi, margins, Steering(x, n), mixture, advance, totals)
