"""From what was seen to what is to be done: the one entry to the policies of a ModelDeployment. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from perennial.api import modeldeployment as api
from perennial.controllers.modeldeployment import canary, story
from perennial.controllers.modeldeployment.course import Course, course, revision_status
from perennial.controllers.modeldeployment.move import Move, Note
from perennial.controllers.modeldeployment.observed import Observed
from perennial.controllers.modeldeployment.readiness import readiness
from perennial.controllers.modeldeployment.revision import Record, resolve
from perennial.controllers.modeldeployment.target import Problem, choose
from perennial.core.conditions import parse_time
from perennial.rollout import Verdict


def decide(seen: Observed, now: datetime) -> Move:
    """The move of this pass."""
    current = _without_expired(course(seen, now), now)
    problem = _blocked(seen)
    if problem:
        return _stay(seen, current, problem)
    version = choose(seen.spec, seen.versions)
    if isinstance(version, Problem):
        return _stay(seen, _abandon(current), version)
    target = resolve(seen.name, version, seen.spec.serving, seen.records, seen.default_image)
    stable = seen.record(current.stable.revision) if current.stable else None
    if stable is None:
        return _first(seen, current, target, now)
    if target.revision == stable.revision:
        return _settle(seen, current, target, now)
    if current.canary and current.canary.revision != target.revision:
        return _supersede(seen, current, target, now)
    return canary.proceed(seen, current, stable, target, now)


def _blocked(seen: Observed) -> Problem | None:
    if not seen.kserve_installed:
        return Problem(
            api.KSERVE_NOT_INSTALLED, "KServe is not installed; install it (InferenceService and ServingRuntime)."
        )
    if seen.foreign:
        names = ", ".join(seen.foreign)
        return Problem(
            api.NAME_TAKEN,
            f"{names} exists and does not belong to this ModelDeployment; delete it or choose another name.",
        )
    return None


def _without_expired(current: Course, now: datetime) -> Course:
    if current.previous and parse_time(current.previous.until) <= now:
        return replace(current, previous=None)
    return current


def _abandon(current: Course) -> Course:
    return replace(current, canary=None)


def _stay(seen: Observed, current: Course, problem: Problem) -> Move:
    """What serves keeps serving while the spec cannot be followed."""
    return Move(current, story.weights(current), stalled=problem, analysis=seen.status.analysis)


def _first(seen: Observed, current: Course, target: Record, now: datetime) -> Move:
    """Nothing serves yet: readiness and the preflight are all there is to wait for."""
    move = Move(replace(current, canary=None), {}, target, candidate=target)
    found = readiness(seen, target, now)
    if found.state == "Failed":
        return replace(move, stalled=Problem(api.REVISION_FAILED, found.message))
    if found.state == "Waiting":
        waiting = Problem(found.reason, found.message)
        return replace(move, progress=waiting, preflight=target if found.preflight else None)
    message = f"Version {target.version} is the first to serve."
    return replace(
        move,
        course=Course(stable=revision_status(target)),
        progress=Problem(api.STEPPING, f"Version {target.version} takes all requests."),
        history=(story.entry(target, "Deployed", message, now),),
        notes=(Note("Normal", "Deployed", "Deploy", message),),
        verdict=Verdict.PROMOTE,
    )


def _settle(seen: Observed, current: Course, target: Record, now: datetime) -> Move:
    """The target serves. A rollout that still runs was called off by going back to it."""
    if current.canary:
        return _supersede(seen, current, target, now)
    return Move(current, story.weights(current), target, analysis=seen.status.analysis)


def _supersede(seen: Observed, current: Course, target: Record, now: datetime) -> Move:
    """The spec asks for something else than the canary: it goes out of the route first; the next pass goes on."""
    assert current.canary is not None
    assert current.stable is not None
    record = seen.record(current.canary.revision)
    over = _abandon(current)
    if target.revision == current.stable.revision:
        why = f"the spec went back to version {target.version}"
    else:
        why = f"version {target.version} is wanted now"
    message = f"The rollout of version {current.canary.version} ended undecided: {why}."
    history = (story.entry(record, "Superseded", message, now),) if record else ()
    return Move(
        over,
        story.weights(current, canary=0),
        target,
        progress=Problem(api.STEPPING, message),
        history=history,
        notes=(Note("Normal", "Superseded", "Supersede", message),),
    )
