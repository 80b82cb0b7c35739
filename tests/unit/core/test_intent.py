"""Whether an object already says what we want of it."""

from typing import Any

import pytest

from perennial.core.intent import holds


@pytest.mark.parametrize(
    ("intent", "live", "same"),
    [
        ({"a": 1}, {"a": 1, "b": 2}, True),
        ({"a": 1}, {"a": 2}, False),
        ({"a": 1}, {}, False),
        ({"a": {}}, {}, True),
        ({"a": []}, {}, True),
        ({"a": {"b": {}}}, None, True),
        ({"a": [1, 2]}, {"a": [1, 2]}, True),
        ({"a": [1]}, {"a": [1, 2]}, False),
        ({"a": [{"b": 1}]}, {"a": [{"b": 1, "c": 2}]}, True),
        ({"cpu": "1000m"}, {"cpu": "1"}, True),
        ({"cpu": "1"}, {"cpu": 1}, True),
        ({"memory": "1Gi"}, {"memory": "1024Mi"}, True),
        ({"memory": "1G"}, {"memory": "1Gi"}, False),
        ({"image": "1.2.3"}, {"image": "1.2.30"}, False),
        ({"flag": True}, {"flag": False}, False),
        ({"flag": None}, {}, True),
    ],
)
def test_holds(intent: Any, live: Any, same: bool) -> None:
    assert holds(intent, live) is same
