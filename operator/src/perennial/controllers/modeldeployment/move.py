"""What a pass decides: the roles from now on, what the route says now, and how to say it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from perennial.api.modeldeployment_status import AnalysisStatus, HistoryEntry
from perennial.controllers.findings import Telling
from perennial.controllers.modeldeployment.course import Course
from perennial.controllers.modeldeployment.revision import Record
from perennial.controllers.modeldeployment.target import Problem


@dataclass(frozen=True)
class Move:
    """One decision.

    ``course`` is what status will say. ``weights`` (InferenceService -> percent) is what the route says in this very
    pass: a step forward is written to status first and reaches the route in the next pass, a rollback reaches the
    route first. ``candidate`` needs pods though it has no role yet. ``outcomes`` are remembered on the revisions'
    records before the status is written.
    """

    course: Course
    weights: Mapping[str, int]
    target: Record | None = None
    candidate: Record | None = None
    preflight: Record | None = None
    outcomes: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    progress: Problem | None = None
    stalled: Problem | None = None
    analysis: AnalysisStatus | None = None
    history: tuple[HistoryEntry, ...] = ()
    tellings: tuple[Telling, ...] = ()
    verdict: str | None = None
