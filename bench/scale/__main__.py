"""make bench-scale: how the operator does with 10 to 1,000 rollouts at once. QUICK=1 for a short form."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path

from bench import report
from bench.scale.goals import goals
from bench.scale.play import Row, Size, play

SEED = 20261124
SIZES = (Size(10, 20, 120), Size(100, 40, 120), Size(300, 60, 120), Size(1000, 100, 120))
QUICK = (Size(10, 2, 5), Size(50, 3, 5))


def main() -> int:
    """Play, print, write; 0 also when a goal is missed: the result says so."""
    quick = bool(os.environ.get("QUICK"))
    began, rows = time.monotonic(), []
    for size in QUICK if quick else SIZES:
        with tempfile.TemporaryDirectory(prefix="perennial-scale-") as folder:
            rows.append(asyncio.run(play(size, Path(folder), SEED)))
        print(line(rows[-1]), flush=True)
    found = goals(rows)
    print("\n".join(goal.line() for goal in found))
    if quick:
        print("QUICK: too few rollouts for these figures to mean much.")
        return 0
    seconds = round(time.monotonic() - began)
    print(report.write("scale", rows, found, seed=SEED, seconds=seconds, load=report.load()))
    return 0


def line(row: Row) -> str:
    """For a person."""
    return (
        f"{row['rollouts']:5} rollouts: one goes bad p50 {row['single_p50_s']:.2f} s, p99 {row['single_p99_s']:.2f} s; "
        f"all do p50 {row['all_p50_s']:.1f} s, last {row['all_max_s']:.1f} s; CPU {row['cpu_share']:.1%} of a core, "
        f"{row['rss_mb']:.0f} MB, {row['reads_per_minute']:.0f} reads and {row['writes_per_minute']:.0f} writes/min"
    )


if __name__ == "__main__":
    sys.exit(main())
