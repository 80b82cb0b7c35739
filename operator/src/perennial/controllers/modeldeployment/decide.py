"""From what was seen to what is to be done: the one entry to the policies of a ModelDeployment. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from perennial.api import modeldeployment as api
from perennial.api.conditions import UP_TO_DATE
from perennial.controllers.findings import Telling
from perennial.controllers.modeldeployment import bake, byhand, canary, stepping, story, undo
from perennial.controllers.modeldeployment.course import Course, course, revision_status
from perennial.controllers.modeldeployment.move import Move
from perennial.controllers.modeldeployment.observed import Observed
from perennial.controllers.modeldeployment.readiness import readiness
from perennial.controllers.modeldeployment.revision import ROLLED_BACK, Record, resolve
from perennial.controllers.modeldeployment.stored import unfit
from perennial.controllers.modeldeployment.target import Problem, choose, taken
from perennial.rollout import Verdict

MEND = "Mend spec.serving or choose another version."


def decide(seen: Observed, now: datetime) -> Move:
    """The move of this pass."""
    return bake.told(seen, byhand.told(seen, _decide(seen, now)), now)


def _decide(seen: Observed, now: datetime) -> Move:
    known = course(seen, now)
    current = bake.timed(seen, known, now)
    problem = _blocked(seen)
    if problem:
        return _stay(seen, current, problem)
    broken = bake.broken(seen, known, now)
    if broken:
        return broken
    version = choose(seen.spec, seen.versions, seen.unreadable)
    if isinstance(version, Problem):
        return _unfollowable(seen, current, version, now)
    target = resolve(seen.name, version, seen.spec.serving, seen.records, seen.default_image)
    if target.service in seen.strangers:
        return _stay(seen, current, taken(target.service))
    stable = _stable(seen, current, target)
    if stable is None:
        return _first(seen, current, target, now)
    restored = undo.proceed(seen, current, stable, target, now)
    if restored:
        return restored
    if current.canary and current.canary.revision != target.revision:
        return _other_wanted(seen, current, stable, target, now)
    if target.revision == stable.revision:
        return _settle(seen, current, target, now)
    return canary.proceed(seen, current, stable, target, now)


def _blocked(seen: Observed) -> Problem | None:
    broken = unfit(seen.spec)
    if broken:
        mend = f"mend it with `kubectl edit mdep {seen.name}`"
        return Problem(api.SPEC_INVALID, f"The stored spec breaks a rule that is younger than it ({broken}); {mend}.")
    if not seen.kserve_installed:
        return Problem(
            api.KSERVE_NOT_INSTALLED, "KServe is not installed; install it (InferenceService and ServingRuntime)."
        )
    return taken(", ".join(seen.foreign)) if seen.foreign else None


def _stable(seen: Observed, current: Course, target: Record) -> Record | None:
    if current.stable is None:
        return None
    if target.revision == current.stable.revision:
        # Its record may have been deleted; it is made again.
        return target
    return seen.record(current.stable.revision)


def _stay(seen: Observed, current: Course, problem: Problem) -> Move:
    """What serves keeps serving while the spec cannot be followed."""
    if current.stable and seen.record(current.stable.revision):
        problem = Problem(problem.reason, f"{problem.message} Version {current.stable.version} stays as it is.")
    return Move(current, story.weights(current), stalled=problem, analysis=seen.status.analysis)


def _other_wanted(seen: Observed, current: Course, stable: Record, target: Record, now: datetime) -> Move:
    """Another revision is wanted than the canary, which goes, unless a person holds it or wants it now."""
    kept = None if target.revision == stable.revision else _kept(seen, current, now)
    if kept:
        return replace(kept, target=target)
    return _supersede(seen, current, target, f"version {target.version} is wanted now", now)


def _kept(seen: Observed, current: Course, now: datetime) -> Move | None:
    """The next move of a canary that stays by hand though the spec asks for another revision."""
    record = seen.record(current.canary.revision) if current.canary else None
    stable = seen.record(current.stable.revision) if current.stable else None
    if record is None or stable is None:
        return None
    move = canary.proceed(seen, current, stable, record, now)
    promoted = move.verdict is Verdict.PROMOTE and byhand.promotes(seen, record)
    return move if promoted or byhand.held(seen, record) else None


def _unfollowable(seen: Observed, current: Course, problem: Problem, now: datetime) -> Move:
    if current.canary is None or current.stable is None:
        return _stay(seen, replace(current, canary=None), problem)
    kept = _kept(seen, current, now)
    if kept:
        return replace(kept, stalled=kept.stalled or problem)
    move = _supersede(seen, current, None, "its version can no longer be served", now)
    return replace(move, stalled=problem)


def _first(seen: Observed, current: Course, target: Record, now: datetime) -> Move:
    """Nothing serves yet: readiness and the preflight are all there is to wait for."""
    # Should the record of a revision that serves be lost, it keeps its requests until the target is there.
    current = replace(current, canary=None)
    move = Move(current, story.weights(current), target, candidate=target)
    found = readiness(seen, target, now, seen.spec.serving.replicas)
    if found.state in ("Failed", "Unlucky"):
        return replace(move, stalled=Problem(api.REVISION_FAILED, f"{found.message} {MEND}"))
    if found.state == "Waiting":
        return replace(
            move, progress=found.progress, stalled=found.stalled, preflight=target if found.preflight else None
        )
    message = f"Version {target.version} is the first to serve."
    return replace(
        move,
        course=Course(stable=revision_status(target)),
        progress=story.takes_over(target, 100),
        history=(story.entry(target, "Deployed", message, now),),
        tellings=(Telling(False, "Deployed", "Deploy", message),),
        verdict=Verdict.PROMOTE,
    )


def _settle(seen: Observed, current: Course, target: Record, now: datetime) -> Move:
    """The target serves. What is left is that the gateway says so, once, and that it bakes."""
    analysis = story.analysis(seen, bake.judged(seen), now) if current.bakes else seen.status.analysis
    move = Move(replace(current, withdrawn=None), story.weights(current), target, analysis=analysis)
    if _arrived(seen, target, move.weights):
        return move
    gateway = seen.gateway_state
    if gateway.status == "False":
        return replace(move, stalled=Problem(gateway.reason, gateway.message))
    return replace(move, progress=story.takes_over(target, move.weights[target.service]))


def _arrived(seen: Observed, target: Record, weights: Mapping[str, int]) -> bool:
    """Whether the route had given it its share; what it gets more as the bake ends is nothing to wait for."""
    had = 100 - (seen.status.previous.weight if seen.status.previous else 0)
    if seen.live_route.weights.get(target.service) not in (weights[target.service], had):
        return False
    said = any(each.type == UP_TO_DATE and each.status == "True" for each in seen.status.conditions)
    return said or seen.gateway_state.ready


def _supersede(seen: Observed, current: Course, target: Record | None, why: str, now: datetime) -> Move:
    """The spec asks for something else than the canary: it goes out of the route first; the next pass goes on."""
    assert current.canary is not None
    assert current.stable is not None
    record, stable = seen.record(current.canary.revision), seen.record(current.stable.revision)
    if record and stable:
        lacking = stepping.stable_lacks(seen, stable, record)
        if lacking and current.canary.weight:
            return Move(current, story.weights(current), target, record, progress=lacking)
    message = f"The rollout of version {current.canary.version} ended undecided: {why}."
    move = Move(
        replace(current, canary=None),
        story.weights(current, canary=0),
        target,
        # Its keeper rule stays until the gateway has taken the weight of 0.
        candidate=record,
        progress=Problem(api.STEPPING, message),
    )
    rolled_back = canary.ended(seen, record) if record else None
    if record and rolled_back is not None:
        # A person rejects it now, or the operator ended between rolling back and telling of it.
        outcomes = {record.revision: (ROLLED_BACK, rolled_back)}
        return replace(
            move,
            outcomes=outcomes,
            history=(story.entry(record, "RolledBack", rolled_back, now),),
            tellings=(story.went_back(rolled_back),),
        )
    return replace(
        move,
        history=(story.entry(record, "Superseded", message, now),) if record else (),
        tellings=(Telling(False, "Superseded", "Supersede", message),),
    )
