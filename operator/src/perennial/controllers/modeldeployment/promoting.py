"""Promotions: on evidence, after a preview, by hand. The new revision is stable, the old one is kept. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from perennial.api.modeldeployment import PREVIEW
from perennial.controllers.modeldeployment import capacity, story, ways
from perennial.controllers.modeldeployment.course import Course, replaced, revision_status
from perennial.controllers.modeldeployment.move import Move
from perennial.controllers.modeldeployment.observed import Observed
from perennial.controllers.modeldeployment.revision import Record
from perennial.controllers.modeldeployment.target import Problem
from perennial.core.analysis_types import Reading
from perennial.core.conditions import format_time, parse_time
from perennial.rollout import Verdict


def on_evidence(seen: Observed, move: Move, stable: Record, target: Record, reading: Reading, now: datetime) -> Move:
    """The last move of a rollout that was judged."""
    lacking = capacity.lacking(seen, stable, target, 100 - ways.holdback(seen.spec))
    if lacking:
        return replace(move, progress=lacking)
    return _promote(seen, move, stable, target, story.promotion(stable, target, reading), now)


def after_preview(seen: Observed, move: Move, stable: Record, target: Record, now: datetime) -> Move:
    """The flip of a blue-green deployment: its preview was long enough, and nothing was found."""
    canary, chosen = move.course.canary, ways.strategy(seen.spec).blue_green
    assert canary is not None
    assert chosen is not None
    end = parse_time(canary.since) + timedelta(seconds=chosen.preview_seconds)
    if now < end:
        message = f"Version {target.version} is on preview until {format_time(end)}; then it takes all requests."
        return replace(move, progress=Problem(PREVIEW, message))
    lacking = capacity.lacking(seen, stable, target, 100)
    if lacking:
        return replace(move, progress=lacking)
    message = f"{_took_over(stable, target)} after a preview of {chosen.preview_seconds} s, without evidence."
    move = replace(move, analysis=story.final(seen, Verdict.PROMOTE, message, now))
    return _promote(seen, move, stable, target, message, now)


def by_hand(seen: Observed, move: Move, stable: Record, target: Record, now: datetime) -> Move:
    """A person answers for it: nothing but capacity is waited for, not even for a pod of stable."""
    lacking = capacity.lacking(seen, stable, target, 100)
    if lacking:
        return replace(move, progress=lacking)
    message = f"{_took_over(stable, target)}, promoted by hand (spec.rollout.promote)."
    move = replace(move, analysis=story.final(seen, Verdict.PROMOTE, message, now))
    return _promote(seen, move, stable, target, message, now)


def though(seen: Observed, move: Move, stable: Record, target: Record, why: str, now: datetime) -> Move:
    """A promotion without the evidence for it, because the spec says so."""
    lacking = capacity.lacking(seen, stable, target, 100 - ways.holdback(seen.spec))
    if lacking:
        return replace(move, progress=lacking)
    message = f"{_took_over(stable, target)}: {why}."
    move = replace(move, analysis=story.final(seen, Verdict.PROMOTE, message, now))
    return _promote(seen, move, stable, target, message, now)


def after_recreation(seen: Observed, move: Move, stable: Record, target: Record, now: datetime) -> Move:
    """The old revision is gone already, so nothing is kept and nothing bakes."""
    message = f"{_took_over(stable, target)}, which ended first (spec.strategy.recreate)."
    move = replace(move, analysis=story.final(seen, Verdict.PROMOTE, message, now))
    promoted = _promote(seen, move, stable, target, message, now)
    return replace(promoted, course=replace(promoted.course, previous=None), progress=story.takes_over(target, 100))


def _took_over(stable: Record, target: Record) -> str:
    return f"Version {target.version} took over from version {stable.version}"


def _promote(seen: Observed, move: Move, stable: Record, target: Record, message: str, now: datetime) -> Move:
    canary = move.course.canary
    held = ways.holdback(seen.spec) if seen.health(stable).serves else 0
    started = canary.started if canary else None
    previous = replaced(revision_status(stable), seen, now, weight=held, started=started, bakes=True)
    return replace(
        move,
        course=Course(stable=revision_status(target), previous=previous),
        progress=story.takes_over(target, 100 - held),
        history=(story.entry(target, "Promoted", message, now),),
        tellings=(*move.tellings, story.promoted(message)),
        verdict=Verdict.PROMOTE,
    )
