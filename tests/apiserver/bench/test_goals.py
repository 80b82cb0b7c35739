"""The goals of bench-scale say what was measured, and miss what was not."""

from __future__ import annotations

from typing import Any

import pytest

from bench.scale.goals import goals, growth
from bench.scale.play import quantile


def row(rollouts: int, **more: float) -> dict[str, Any]:
    each = {"cpu_share": rollouts / 1000, "rss_mb": 80 + rollouts / 10, "reads_per_minute": 8.0 * rollouts}
    fixed = {"writes_per_minute": rollouts / 2, "reads_per_pass": 8.0, "single_p99_s": 0.5, "all_max_s": 9.0}
    return {"rollouts": rollouts, **each, **fixed, **more}


def test_growth_is_over_that_of_the_rollouts() -> None:
    assert growth(row(10), row(100), "cpu_share") == pytest.approx(1.0)
    assert growth(row(10), row(100, cpu_share=0.4), "cpu_share") == pytest.approx(4.0)
    assert growth(row(10), row(100), "rss_mb") < 0.2


def test_what_grows_faster_or_is_slow_misses_its_goal() -> None:
    assert all(goal.met for goal in goals([row(10), row(1000)]))
    missed = [goal.name for goal in goals([row(10), row(1000, cpu_share=2.0, all_max_s=16.0)]) if not goal.met]
    assert len(missed) == 2
    assert "all 1,000 go bad" in missed[0]
    assert "CPU" in missed[1]


def test_a_run_without_the_largest_size_misses_its_goals() -> None:
    found = goals([row(10), row(100)])
    assert [goal.value for goal in found[:2]] == [None, None]
    assert not any(goal.met for goal in found[:2])


@pytest.mark.parametrize(("q", "expected"), [(0.0, 1.0), (0.5, 50.0), (0.99, 99.0), (1.0, 100.0)])
def test_a_quantile_is_one_of_the_values(q: float, expected: float) -> None:
    assert quantile([float(value) for value in range(1, 101)], q) == expected
    assert quantile([7.0], q) == 7.0
