"""A rollout's evidence as compact text for `status`, and back, exactly.

Numbers are the bytes of their doubles in base64, 11 characters each, so that what replays from a checkpoint arrives at
the same number. A checkpoint is used only if engine version, revision and the plan's question are the same: evidence is
never carried over.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from perennial.rollout.absolute import Ceiling
from perennial.rollout.bursts import Bursts, Pods
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
    """What identifies a plan's question: 12 hex digits."""
    return hashlib.sha256(repr(plan.question).encode()).hexdigest()[:12]


def encode(saved: Saved) -> str:
    """JSON: less than 1 KB for one metric and the default steps, less than 4,000 bytes for three and 20 steps."""
    state = saved.state
    content = {
        "engine": ENGINE_VERSION,
        "revision": saved.revision,
        "plan": fingerprint(state.plan),
        "step": saved.step,
        "at": repr(float(saved.at)),
        "time": _pack([state.rps, state.seconds, state.idle_seconds, state.slack, state.peak]),
        "metrics": {metric.name: _pack(numbers(metric)) for metric in state.metrics},
    }
    return json.dumps(content, separators=(",", ":"))


def decode(text: str, revision: str, plan: Plan) -> Saved | None:
    """What `encode` was given; None if it is of another engine, revision or plan, or is not a checkpoint at all."""
    try:
        content = json.loads(text)
        wanted = (ENGINE_VERSION, revision, fingerprint(plan))
        if (content["engine"], content["revision"], content["plan"]) != wanted:
            return None
        names = tuple(metric.name for metric in plan.metrics)
        metrics = tuple(_metric(name, content["metrics"][name], len(plan.steps)) for name in names)
        rps, seconds, idle, slack, peak = _unpack(content["time"])
        state = State(plan, rps, seconds, idle, metrics, slack, peak)
        return Saved(revision, int(content["step"]), float(content["at"]), state)
    except (ValueError, TypeError, KeyError, AttributeError, StopIteration, binascii.Error, struct.error):
        return None


def _pack(numbers: list[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(numbers)}d", *numbers)).decode().rstrip("=")


def _unpack(text: str) -> tuple[float, ...]:
    data = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    return struct.unpack(f"<{len(data) // 8}d", data)


def numbers(metric: MetricState) -> list[float]:
    """What is kept of a metric, 8 bytes each."""
    pods, ceiling = metric.bursts.pods, metric.ceiling
    kept = [metric.weight, metric.delta, metric.bursts.whole, pods.phi, pods.stable, pods.canary, metric.known]
    kept += [metric.steering.x, metric.steering.n, *_counts(metric.totals)]
    kept += [*metric.margins, *metric.advance, *metric.mixture.logs, metric.mixture.log_reserve]
    if ceiling is not None:
        # A bound lies between 0 and 1, or is 1 or more where nothing can be bet: -1 is none.
        kept += [-1.0 if ceiling.bound is None else ceiling.bound, ceiling.since, *_counts(ceiling.totals)]
        kept += [*ceiling.mixture.logs, ceiling.mixture.log_reserve]
    return kept


def _counts(both: Comparison) -> tuple[int, int, int, int]:
    return both.canary.n, both.canary.bad, both.stable.n, both.stable.bad


def _metric(name: str, text: Any, moves: int) -> MetricState:
    numbers = iter(_unpack(text))
    weight, delta, whole, pod_phi, stable_pods, canary_pods, known = _take(numbers, 7)
    steering, totals = Steering(*_take(numbers, 2)), _comparison(numbers)
    margins, advance, mixture = _take(numbers, moves), _take(numbers, moves), _mixture(numbers)
    rest = tuple(numbers)
    ceiling = _ceiling(iter(rest)) if rest else None
    bursts = Bursts(whole, Pods(pod_phi, int(stable_pods), int(canary_pods)))
    return MetricState(name, weight, delta, bursts, bool(known), margins, steering, mixture, advance, totals, ceiling)


def _take(numbers: Iterator[float], count: int) -> tuple[float, ...]:
    """The next `count`; ValueError if there are not so many."""
    taken = tuple(number for _, number in zip(range(count), numbers, strict=False))
    if len(taken) != count:
        raise ValueError("a checkpoint of another shape")
    return taken


def _comparison(numbers: Iterator[float]) -> Comparison:
    canary_n, canary_bad, stable_n, stable_bad = (int(count) for count in _take(numbers, 4))
    return Comparison(Counts(canary_n, canary_bad), Counts(stable_n, stable_bad))


def _mixture(numbers: Iterator[float]) -> Mixture:
    *logs, reserve = _take(numbers, len(PRIOR) + 1)
    return Mixture(tuple(logs), reserve)


def _ceiling(numbers: Iterator[float]) -> Ceiling:
    bound, since = _take(numbers, 2)
    totals, mixture = _comparison(numbers), _mixture(numbers)
    if tuple(numbers):
        raise ValueError("a checkpoint of another shape")
    return Ceiling(None if bound < 0 else bound, since, mixture, totals)
