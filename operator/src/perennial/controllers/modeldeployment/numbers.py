"""A reading's numbers as status shows them: counts and odds that a person can check. Pure."""

from __future__ import annotations

import math
from datetime import datetime

from perennial.api.modeldeployment_status import AnalysisStatus, MetricStatus
from perennial.core.analysis_types import MetricReading, Reading
from perennial.core.conditions import format_time, parse_time

ANALYSIS_SECONDS = 120.0
"""The numbers of a verdict that stays the same are written this often: status is no time series."""
LONGEST = 128


def latest(last: AnalysisStatus | None, reading: Reading | None, now: datetime) -> AnalysisStatus | None:
    """The analysis for status: the last one written as long as it still says the same and is young enough."""
    if reading is None:
        return last
    same = last is not None and (last.verdict, last.reason) == (reading.verdict.value, _reason(reading))
    if last is not None and same and (now - parse_time(last.time)).total_seconds() < ANALYSIS_SECONDS:
        return last
    return analysis_status(reading, now)


def analysis_status(reading: Reading, now: datetime) -> AnalysisStatus:
    """All of a reading."""
    expected = reading.expected_seconds
    return AnalysisStatus(
        verdict=reading.verdict.value,
        reason=_reason(reading),
        message=reading.message,
        metrics=[_metric(metric) for metric in reading.metrics],
        expected_seconds=None if expected is None else round(expected),
        checkpoint=reading.checkpoint or None,
        time=format_time(now),
    )


def _reason(reading: Reading) -> str:
    return reading.reason or reading.verdict.value


def _metric(metric: MetricReading) -> MetricStatus:
    return MetricStatus(
        name=metric.name,
        stable=share(metric.stable_bad, metric.stable_requests),
        canary=share(metric.canary_bad, metric.canary_requests),
        evidence=f"roll back {odds(metric.evidence_rollback)} of {odds(metric.bound_rollback)}, "
        f"advance {odds(metric.evidence_advance)} of {odds(metric.bound_advance)}",
        note=metric.note[:LONGEST] or None,
    )


def share(bad: int, requests: int) -> str:
    """As in `12 of 1234 (0.97 %)`."""
    percent = f" ({100 * bad / requests:.2f} %)" if requests else ""
    return f"{bad} of {requests}{percent}"


def odds(log: float) -> str:
    """A natural logarithm as the number that it is the logarithm of."""
    return f"{math.exp(min(log, 30.0)):.3g}"
