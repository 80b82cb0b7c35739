"""What each command writes, and why it refuses."""

from __future__ import annotations

import pytest

from perennial.cli import decisions
from perennial.cli.decisions import Goal
from perennial.cli.deployment import Deployment
from perennial.cli.ownership import ADVANCE, PAUSED, PROMOTE, REJECT, RETRY, Refused
from tests.unit.cli.objects import (
    CANARY,
    EARLIER,
    NOW,
    STABLE,
    canary,
    condition,
    entry,
    obj,
    rolled_back,
    rolling,
    steady,
)

PREVIOUS = {"version": 5, "revision": EARLIER}
EARLIER_ENTRY = entry(5, EARLIER, "Promoted")


@pytest.mark.parametrize(
    ("decide", "seen", "change", "goal", "told"),
    [
        (
            decisions.promote,
            rolling(),
            {PROMOTE: CANARY},
            Goal.SERVES,
            "Version 2 (revision canaryrevision) takes over",
        ),
        (
            decisions.promote,
            rolling(spec={"rollout": {"reject": CANARY}}),
            {PROMOTE: CANARY, REJECT: None},
            Goal.SERVES,
            "takes over from version 1",
        ),
        (
            decisions.promote,
            rolling(spec={"rollout": {"reject": STABLE}}),
            {PROMOTE: CANARY},
            Goal.SERVES,
            "takes over",
        ),
        (decisions.reject, rolling(), {REJECT: CANARY}, Goal.LEFT, "rolled back at once"),
        (
            decisions.reject,
            rolling(spec={"rollout": {"promote": CANARY}}),
            {REJECT: CANARY, PROMOTE: None},
            Goal.LEFT,
            "kubectl perennial retry late",
        ),
        (decisions.retry, rolled_back(), {RETRY: "2026-11-24T12:00:00Z"}, Goal.UP_TO_DATE, "tried once more"),
        (
            decisions.retry,
            rolled_back(spec={"rollout": {"reject": CANARY}}),
            {RETRY: "2026-11-24T12:00:00Z", REJECT: None},
            Goal.UP_TO_DATE,
            "tried once more",
        ),
        (decisions.undo, steady(previous=PREVIOUS), {PROMOTE: EARLIER}, Goal.SERVES, "its pods are still there"),
        (
            lambda seen, now: decisions.undo(seen, now, {"uid-5"}),
            steady(history=[entry(1, STABLE, "Promoted"), entry(9, "bad", "RolledBack"), EARLIER_ENTRY]),
            {PROMOTE: EARLIER},
            Goal.SERVES,
            "Version 5 (revision earlierrevision), which served before, takes over again: as soon as its pods",
        ),
        (decisions.pause, rolling(), {PAUSED: True}, Goal.SEEN, "Version 2 stays at 10 % of requests"),
        (decisions.pause, steady(), {PAUSED: True}, Goal.SEEN, "No rollout of late begins"),
        (decisions.resume, rolling(), {PAUSED: False}, Goal.SEEN, "goes on from 10 %"),
        (decisions.resume, steady(), {PAUSED: False}, Goal.SEEN, "next version"),
        (
            decisions.advance,
            Deployment.of(obj(condition("Reconciling", "True", "AwaitingPromotion"), canary=canary(25, 2))),
            {ADVANCE: f"{CANARY}/2"},
            Goal.SEEN,
            "goes on from 25 %",
        ),
    ],
)
def test_what_is_written(decide: decisions.Decision, seen: Deployment, change: object, goal: Goal, told: str) -> None:
    decision = decide(seen, NOW)  # type: ignore[operator]
    assert decision.change == change
    assert decision.goal is goal
    assert told in decision.told
    assert decision.renew is None


@pytest.mark.parametrize(
    ("decide", "seen", "why"),
    [
        (decisions.promote, steady(), "There is no canary of late to promote: version 1 serves, and nothing is"),
        (decisions.promote, rolled_back(), "version 2 was rolled back, and `kubectl perennial retry late` tries it"),
        (decisions.promote, Deployment.of({"metadata": {"name": "late"}}), "nothing is being rolled out"),
        (decisions.reject, steady(), "There is no canary of late to reject"),
        (decisions.retry, steady(), "Nothing is to be tried again"),
        (decisions.retry, rolling(), "Nothing is to be tried again"),
        (decisions.undo, steady(), "There is nothing to go back to"),
        (decisions.undo, steady(history=[EARLIER_ENTRY]), "There is nothing to go back to"),
        (decisions.undo, rolling(), "`kubectl perennial reject late` ends its rollout"),
        (decisions.undo, Deployment.of({"metadata": {"name": "late"}}), "no version of late serves yet"),
        (decisions.advance, rolling(), "does not wait for a person"),
    ],
)
def test_why_not(decide: decisions.Decision, seen: Deployment, why: str) -> None:
    with pytest.raises(Refused) as refused:
        decide(seen, NOW)  # type: ignore[operator]
    assert why in str(refused.value)
    assert str(refused.value).endswith(".")


def test_a_word_that_was_used_up_is_taken_away_first() -> None:
    word = {"spec": {"rollout": {"promote": CANARY}}}
    assert decisions.promote(rolling(**word), NOW).renew is None
    came_back = rolling(**word, history=[entry(2, CANARY, "Promoted")])
    assert decisions.promote(came_back, NOW).renew == PROMOTE
    again = steady(spec={"rollout": {"promote": EARLIER}}, previous=PREVIOUS)
    assert decisions.undo(again, NOW).renew == PROMOTE
