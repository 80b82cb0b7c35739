"""Conditions: one per type, and a transition time that moves only with the status."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from perennial.core.conditions import drop_condition, find_condition, format_time, parse_time, set_condition

T0 = datetime(2026, 11, 1, 12, 0, 0, tzinfo=UTC)


def ready(conditions: list[dict[str, Any]], status: Any = "True", reason: str = "Serving", **more: Any) -> Any:
    values = {"type": "Ready", "message": "It serves.", "generation": 1, "now": T0} | more
    return set_condition(conditions, status=status, reason=reason, **values)


def test_a_new_condition_has_every_field() -> None:
    assert ready([]) == [
        {
            "type": "Ready",
            "status": "True",
            "reason": "Serving",
            "message": "It serves.",
            "observedGeneration": 1,
            "lastTransitionTime": "2026-11-01T12:00:00Z",
        }
    ]


def test_the_time_stays_while_the_status_stays() -> None:
    later = ready(ready([]), reason="Other", message="Still.", generation=2, now=T0 + timedelta(hours=1))
    assert later[0]["lastTransitionTime"] == "2026-11-01T12:00:00Z"
    assert (later[0]["reason"], later[0]["message"], later[0]["observedGeneration"]) == ("Other", "Still.", 2)


def test_the_time_moves_with_the_status() -> None:
    later = ready(ready([]), status="False", now=T0 + timedelta(hours=1))
    assert later[0]["lastTransitionTime"] == "2026-11-01T13:00:00Z"


def test_the_same_again_is_equal() -> None:
    assert ready(ready([]), now=T0 + timedelta(days=1)) == ready([])


def test_the_order_of_others_is_kept_and_nothing_is_changed_in_place() -> None:
    others = [{"type": "A", "status": "True"}, ready([])[0], {"type": "B", "status": "False"}]
    before = [dict(condition) for condition in others]
    after = ready(others, status="False")
    assert [condition["type"] for condition in after] == ["A", "Ready", "B"]
    assert others == before


def test_drop_and_find() -> None:
    conditions = [*ready([]), {"type": "Stalled", "status": "True"}]
    assert drop_condition(conditions, "Stalled") == ready([])
    assert find_condition(conditions, "Stalled") == {"type": "Stalled", "status": "True"}
    assert find_condition(conditions, "Other") is None
    assert drop_condition(conditions, "Other") == conditions


def test_times_are_written_in_utc_and_read_back() -> None:
    paris = datetime(2026, 11, 1, 13, 0, 0, tzinfo=timezone(timedelta(hours=1)))
    assert format_time(paris) == "2026-11-01T12:00:00Z"
    assert parse_time("2026-11-01T12:00:00Z") == T0
    assert parse_time("2026-11-01T13:00:00+01:00") == T0


@pytest.mark.parametrize("text", ["", "yesterday", "2026-11-01T12:00:00"])
def test_what_is_no_time_with_a_zone_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"zone|isoformat"):
        parse_time(text)
