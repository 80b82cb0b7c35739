"""The goals of the operator's speed, measured on the rows."""

from __future__ import annotations

from itertools import pairwise

from bench.report import Goal
from bench.scale.play import Row

MOST = 1000
LINEAR = 1.0
"""The exponent of growth: a cost that doubles with the number of rollouts."""
TOLERANCE = 0.1


def goals(rows: list[Row]) -> list[Goal]:
    """Latency at the largest size, growth between the first and the last."""
    # A run without the largest size has no value for its goals, and so misses them.
    most = next((row for row in rows if row["rollouts"] == MOST), None)
    found = [
        Goal(f"one of {MOST:,} goes bad: from the poll to weight 0, p99", _of(most, "single_p99_s"), "s", 1.0, "lower"),
        Goal(f"all {MOST:,} go bad: from the poll to weight 0, the last", _of(most, "all_max_s"), "s", 15.0, "lower"),
        Goal("reads of a ModelDeployment's pass", max(row["reads_per_pass"] for row in rows), "reads", 8.0, "lower"),
    ]
    names = {"cpu_share": "CPU", "rss_mb": "memory", "reads_per_minute": "reads", "writes_per_minute": "writes"}
    for column, name in names.items():
        # Between 10 rollouts and the next size all costs are mostly those of having an operator at all.
        value, before, after = max((growth(a, b, column), a["rollouts"], b["rollouts"]) for a, b in pairwise(rows))
        title = f"{name}, steepest step ({before} to {after} rollouts), over what linear growth gives"
        found.append(Goal(title, value, "times", LINEAR + TOLERANCE, "lower"))
    return found


def _of(row: Row | None, column: str) -> float | None:
    return None if row is None else float(row[column])


def growth(first: Row, last: Row, column: str) -> float:
    """How much more it grew than the number of rollouts did; below 1 it grew less."""
    return float((last[column] / last["rollouts"]) / max(first[column] / first["rollouts"], 1e-9))
