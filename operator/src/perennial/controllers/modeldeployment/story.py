"""How moves are told: weights, sentences, history, events. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from perennial.api.modeldeployment import STEPPING
from perennial.api.modeldeployment_status import AnalysisStatus, CanaryStatus, HistoryEntry, MetricStatus, Outcome
from perennial.controllers.findings import Telling
from perennial.controllers.modeldeployment.course import Course
from perennial.controllers.modeldeployment.move import Move
from perennial.controllers.modeldeployment.observed import Observed
from perennial.controllers.modeldeployment.revision import ROLLED_BACK, Record
from perennial.controllers.modeldeployment.target import Problem
from perennial.core.analysis_types import Reading
from perennial.core.conditions import format_time, parse_time
from perennial.rollout import Verdict

ANALYSIS_SECONDS = 120.0
"""The numbers of a verdict that stays the same are written this often: status is no time series."""


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
    found = _analysis(seen.reading, now) if seen.reading else seen.status.analysis
    return AnalysisStatus(
        verdict=verdict,
        reason=ROLLED_BACK if verdict is Verdict.ROLL_BACK else verdict,
        message=sentence,
        metrics=found.metrics if found else [],
        time=format_time(now),
    )


def entry(
    record: Record, outcome: Outcome, message: str, now: datetime
) -> HistoryEntry:
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
        _share(reading.canary_bad, reading.canary_requests),
        _share(reading.stable_bad, reading.stable_requests),
    )
    return (
        f"Version {target.version} took over from version {stable.version}: "
        f"{ours} bad answers against {theirs} at the same time."
    )


def analysis(seen: Observed, reading: Reading | None, now: datetime) -> AnalysisStatus | None:
    """The analysis for status: the last one written as long as it still says the same and is young enough."""
    last = seen.status.analysis
    if reading is None:
        return last
    fresh = _analysis(reading, now)
    same = last is not None and (last.verdict, last.reason) == (fresh.verdict, fresh.reason)
    if last is not None and same and (now - parse_time(last.time)).total_seconds() < ANALYSIS_SECONDS:
        return last
    return fresh


def _analysis(reading: Reading, now: datetime) -> AnalysisStatus:
    numbers = MetricStatus(
        name="errors",
        stable=_share(reading.stable_bad, reading.stable_requests),
        canary=_share(reading.canary_bad, reading.canary_requests),
        evidence=f"roll back {_odds(reading.evidence_rollback)} of {_odds(reading.bound_rollback)}, "
        f"advance {_odds(reading.evidence_advance)} of {_odds(reading.bound_advance)}",
    )
    return AnalysisStatus(
        verdict=reading.verdict.value,
        reason=reading.reason or reading.verdict.value,
        message=reading.message,
        metrics=[numbers],
        checkpoint=reading.checkpoint or None,
        time=format_time(now),
    )


def _share(bad: int, requests: int) -> str:
    percent = f" ({100 * bad / requests:.2f} %)" if requests else ""
    return f"{bad} of {requests}{percent}"


def _odds(log: float) -> str:
    """A natural logarithm as the number that it is the logarithm of."""
    return f"{math.exp(min(log, 30.0)):.3g}"
