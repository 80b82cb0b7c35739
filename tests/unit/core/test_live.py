"""What the endpoint tells of a rollout's evidence."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime

from perennial.core.analysis_types import Reading
from perennial.core.live import answering
from perennial.core.queue import Key
from perennial.rollout import Verdict

READING = Reading(
    verdict=Verdict.HOLD,
    reason="InsufficientEvidence",
    message="Not decided yet.",
    step=1,
    canary_requests=1234,
    canary_bad=12,
    stable_requests=11034,
    stable_bad=98,
    evidence_rollback=-0.5,
    evidence_advance=2.5,
    bound_rollback=math.log(100),
    bound_advance=math.inf,
    first_step=0,
    checkpoint="secretly long",
    at=datetime(2026, 11, 24, 12, 0, tzinfo=UTC),
)


class Remembered:
    def read(self, key: Key) -> Reading | None:
        return READING if key == Key("ModelDeployment", "flights", "late") else None

    def trace(self, _: Key) -> list[tuple[float, int, int, float, float]]:
        return [(1000.0, 0, 5, -0.1, 0.3), (1010.0, 1, 10, -0.5, 2.5)]


def test_it_is_json_in_the_names_of_the_api() -> None:
    told = json.loads(json.dumps(answering(Remembered())("flights", "late"), allow_nan=False))
    assert told["trace"][1] == {"time": 1010, "step": 1, "weight": 10, "evidenceRollback": -0.5, "evidenceAdvance": 2.5}
    reading = told["reading"]
    assert (reading["verdict"], reading["canaryBad"], reading["at"]) == ("Hold", 12, "2026-11-24T12:00:00Z")
    assert reading["boundAdvance"] is None, "JSON has no infinity"
    assert "checkpoint" not in reading


def test_what_is_not_followed_is_unknown() -> None:
    assert answering(Remembered())("flights", "other") is None
