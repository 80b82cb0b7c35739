"""How moves are told: weights, sentences, history, events. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from perennial.api.modeldeployment import STEPPING
from perennial.api.modeldeployment_status import AnalysisStatus, CanaryStatus, HistoryEntry, Outcome
from perennial.controllers.findings import Telling
from perennial.controllers.modeldeployment import numbers
from perennial.controllers.modeldeployment.course import Course
from perennial.controllers.modeldeployment.move import Move
from perennial.controllers.modeldeployment.observed import Observed
from perennial.controllers.modeldeployment.revision import ROLLED_BACK, Record
from perennial.controllers.modeldeployment.target import Problem
from perennial.core.analysis_types import Reading
from perennial.core.conditions import format_time
from perennial.rollout import Verdict


def weights(course: Course, canary: int | None = None) -> Mapping[str, int]:
    """The route's weights for a course; ``canary`` overrides the canary's. Previous stays, mostly at 0, while kept."""
    if course.stable is None:
        return {}
    share = 0 if course.canary is None else course.canary.weight if canary is None else canary
    held = course.previous.weight if course.previous else 0
    result = {course.stable.inference_service: 100 - share - held}
    if course.canary:
        result[course.canary.inference_service] = share
    if course.previous:
        result[course.previous.inference_service] = held
    return result


def rolled_back(seen: Observed, course: Course, stable: Record, target: Record, message: str, now: datetime) -> Move:
    """The move that takes all requests from ``target``: the route first, then the memory of it, then the status."""
    end = f"Version {stable.version} serves all requests."
    sentence = message if message.endswith(end) else f"{message[:900].rstrip('.')}. {end}"
    return Move(
        course=replace(course, canary=None, withdrawn=None),
        weights=weights(course, canary=0),
        target=target,
        candidate=target,
        outcomes={target.revision: (ROLLED_BACK, sentence)},
        stalled=Problem(ROLLED_BACK, sentence),
        analysis=final(seen, Verdict.ROLL_BACK, sentence, now),
        history=(entry(target, "RolledBack", sentence, now),),
        tellings=(went_back(sentence),),
        verdict=Verdict.ROLL_BACK,
    )


def final(seen: Observed, verdict: Verdict, sentence: str, now: datetime) -> AnalysisStatus:
    """The analysis of a rollout that is over, whoever ended it, with the last numbers."""
    # An operator that has just started has read nothing yet: what the last one wrote stands.
    found = numbers.analysis_status(seen.reading, now) if seen.reading else seen.status.analysis
    goes_on = verdict is Verdict.PROMOTE and seen.spec.bake.seconds > 0
    return AnalysisStatus(
        verdict=verdict,
        reason=ROLLED_BACK if verdict is Verdict.ROLL_BACK else verdict,
        message=sentence,
        metrics=found.metrics if found else [],
        checkpoint=found.checkpoint if found and goes_on else None,
        time=format_time(now),
    )


def entry(record: Record, outcome: Outcome, message: str, now: datetime) -> HistoryEntry:
    """A line of status.history."""
    return HistoryEntry(
        version=record.version,
        version_uid=record.version_uid,
        revision=record.revision,
        outcome=outcome,
        time=format_time(now),
        message=message,
    )


def started(target: Record, stable: Record) -> Telling:
    return Telling(
        False, "RolloutStarted", "Start", f"Version {target.version} starts beside version {stable.version}."
    )


def retried(target: Record) -> Telling:
    message = f"Version {target.version} is tried again by hand (spec.rollout.retry)."
    return Telling(False, "RolloutRetried", "Retry", message)


def went_back(message: str) -> Telling:
    return Telling(True, ROLLED_BACK, "RollBack", message)


def takes_over(target: Record, share: int) -> Problem:
    every = "all" if share == 100 else f"{share} % of"
    return Problem(STEPPING, f"Version {target.version} takes {every} requests.")


def share(canary: CanaryStatus) -> str:
    """What a canary gets, in words."""
    return f"gets copies of {canary.mirror} % of requests" if canary.mirror else f"gets {canary.weight} % of requests"


def promoted(message: str) -> Telling:
    return Telling(False, "Promoted", "Promote", message)


def promotion(stable: Record, target: Record, reading: Reading) -> str:
    """Why a version was promoted, with the counts that a person can check."""
    ours, theirs = (
        numbers.share(reading.canary_bad, reading.canary_requests),
        numbers.share(reading.stable_bad, reading.stable_requests),
    )
    return (
        f"Version {target.version} took over from version {stable.version}: "
        f"{ours} bad answers against {theirs} at the same time."
    )


def analysis(seen: Observed, reading: Reading | None, now: datetime) -> AnalysisStatus | None:
    """The analysis for status: the last one written as long as it still says the same and is young enough."""
    return numbers.latest(seen.status.analysis, reading, now)
