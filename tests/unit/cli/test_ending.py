"""When a wait is over, and how."""

from __future__ import annotations

import pytest

from perennial.cli.decisions import Goal
from perennial.cli.deployment import Deployment
from perennial.cli.ending import DONE, FAILED, LATE, WENT_BACK, Wanted, ending, late
from tests.unit.cli.objects import CANARY, STABLE, condition, entry, obj, rolled_back, rolling, steady

SERVES, LEFT, SEEN, UP_TO_DATE = (
    Wanted(goal, CANARY, 3, rolling()) for goal in (Goal.SERVES, Goal.LEFT, Goal.SEEN, Goal.UP_TO_DATE)
)
NEW = {"version": 2, "revision": CANARY}


@pytest.mark.parametrize(
    ("wanted", "now", "code"),
    [
        (SERVES, rolling(), None),
        (SERVES, steady(stable=NEW), DONE),
        (SERVES, steady(stable=NEW, observedGeneration=2), None),
        (SERVES, rolled_back(), WENT_BACK),
        (SERVES, steady(history=[entry(2, CANARY, "Superseded")]), WENT_BACK),
        (SERVES, steady(history=[entry(1, STABLE, "Deployed")]), None),
        (SERVES, None, FAILED),
        (UP_TO_DATE, rolling(), None),
        (UP_TO_DATE, steady(), DONE),
        (UP_TO_DATE, steady(observedGeneration=2), None),
        (UP_TO_DATE, rolled_back(), WENT_BACK),
        (LEFT, rolling(), None),
        (LEFT, rolled_back(), DONE),
        (LEFT, steady(stable=NEW), DONE),
        (SEEN, rolling(), DONE),
        (SEEN, rolling(observedGeneration=2), None),
    ],
)
def test_the_end(wanted: Wanted, now: Deployment | None, code: int | None) -> None:
    end = ending(wanted, now)
    assert (end.code if end else None) == code


def test_an_earlier_rollback_is_not_this_one() -> None:
    again = Wanted(Goal.UP_TO_DATE, "", 3, rolled_back())
    assert ending(again, rolled_back()) is None
    history = [
        entry(2, CANARY, "RolledBack", seconds=1, message="Worse again."),
        *rolled_back().obj["status"]["history"],
    ]
    end = ending(again, Deployment.of(obj(condition("Stalled", "True", "RolledBack"), history=history)))
    assert end is not None
    assert (end.code, end.sentence) == (WENT_BACK, "Worse again.")


def test_being_late_says_what_is_in_the_way() -> None:
    now = Deployment.of(obj(condition("Reconciling", "True", "Preparing", "No pod is ready.")))
    assert late(now, 30) == late(now, 30.0)
    assert late(now, 30).code == LATE
    assert late(now, 30).sentence == "Not within 30 s. No pod is ready."
    assert late(None, 30).sentence == "Not within 30 s."
