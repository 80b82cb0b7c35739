"""A rollout that the real engine judges, at chosen rates of errors, as far as a chosen time."""

from __future__ import annotations

import math
from datetime import timedelta
from random import Random

from perennial.cli.deployment import Deployment
from perennial.cli.live import Live, Metric, Odds, Point
from perennial.cli.view.scene import Scene
from perennial.core.conditions import format_time
from perennial.rollout import Plan, Step, Verdict, engine
from perennial.rollout.engine import Batch, Facts, History
from perennial.rollout.evalue import Comparison, Counts
from perennial.rollout.plan import errors
from tests.unit.cli.objects import NOW, ago, condition, obj
from tests.unit.rollout.binomial import binomial

RPS, HOUR = 100, 3600.0
PLAN = Plan(metrics=errors(0.01), steps=tuple(Step(each) for each in (5, 10, 25, 50)), holdback=2, bake_seconds=600)


def scene(stable: float, canary: float, seconds: float, seed: int = 1) -> Scene:
    """100 requests a second, judged until `seconds` have passed since the first weight, or until it is rolled back."""
    rng = Random(seed)
    history = Counts(int(RPS * HOUR), binomial(rng, int(RPS * HOUR), stable))
    state = engine.start(PLAN, {engine.ERRORS: History(history, HOUR, RPS)})
    step, entered, time, points = 0, 0.0, 0.0, []
    begin = NOW.timestamp() - seconds
    decision = engine.verdict(state, 0, Facts(0.0))
    while time < seconds and decision.verdict is not Verdict.ROLL_BACK:
        time += PLAN.poll_seconds
        if time - entered <= PLAN.poll_seconds:
            continue
        both = _batch(rng, int(RPS * PLAN.poll_seconds), PLAN.weights[step] / 100, stable, canary)
        state = engine.update(state, Batch(PLAN.poll_seconds, {engine.ERRORS: both}), step)
        points.append(Point(begin + time, step, PLAN.weights[step], state.log_rollback, state.log_advance(step)))
        decision = engine.verdict(state, step, Facts(time - entered))
        if decision.verdict is Verdict.ADVANCE:
            step, entered = step + 1, time
    return _scene(state, step, seconds - entered, tuple(points), decision.sentence)


def _scene(state: engine.State, step: int, at_step: float, points: tuple[Point, ...], message: str) -> Scene:
    metric, last = state.cause, points[-1]
    worse, good = Odds(last.worse, _log(PLAN.false_rollback)), Odds(last.good, _log(PLAN.miss))
    canary, stable = metric.totals.canary, metric.totals.stable
    numbers = Metric("errors", canary.n, canary.bad, stable.n, stable.bad, worse, good)
    expected = engine.expected_seconds(state, step, at_step)
    live = Live(points, worse, good, (numbers,), message, expected, NOW - timedelta(seconds=3))
    return Scene(_deployment(step, at_step, message), NOW, NOW, live)


def _deployment(step: int, at_step: float, message: str) -> Deployment:
    since = format_time(NOW - timedelta(seconds=at_step))
    canary = {"version": 8, "revision": "j6tugkwwmh", "weight": PLAN.weights[step], "step": step, "since": since}
    given = obj(
        condition("Ready", "True", "Serving", "Version 7 serves."),
        condition("UpToDate", "False", "RollingOut", message),
        condition("GatewayReady", "True", "RouteAccepted", "Gateway envoy-gateway-system/gw has taken the route."),
        condition("Reconciling", "True", "InsufficientEvidence", message),
        stable={"version": 7, "revision": "dizdmheg7z"},
        canary=canary,
        spec={"bake": {"seconds": 600, "holdbackPercent": 2}},
        history=[{"version": 7, "outcome": "Promoted", "time": ago(93000), "message": PROMOTED}],
    )
    given["metadata"] |= {"namespace": "flights", "name": "flights"}
    return Deployment.of(given)


PROMOTED = "Version 7 took over from version 6: 13 of 1,502 (0.87 %) bad answers against 140 of 14,011 (1.00 %)."


def _log(chance: float) -> float:
    return -math.log(chance)


def _batch(rng: Random, n: int, share: float, stable: float, canary: float) -> Comparison:
    new = binomial(rng, n, share)
    return Comparison(Counts(new, binomial(rng, new, canary)), Counts(n - new, binomial(rng, n - new, stable)))
