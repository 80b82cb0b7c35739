"""make bench-rollout: the decision engine beside the rules of Flagger and Argo Rollouts. QUICK=1 for a short form.

RUNS says how many rollouts each cell has. With the argument `again` the goals are reckoned and the picture is drawn
from the rows of the last whole run.
"""

from __future__ import annotations

import os
import sys
import time

from bench import report
from bench.rollout import cells, picture
from bench.rollout.goals import goals
from bench.rollout.play import Row, Setting, everything
from perennial.rollout.state import ENGINE_VERSION

SEED = 20261123
RUNS, QUICK_RUNS = 1000, 50


def main() -> int:
    """Play, print, write; 0 also when a goal is missed: the result says so."""
    if sys.argv[1:] == ["again"]:
        last = report.read("rollout")
        return _tell(last["rows"], {name: last[name] for name in ("seed", "seconds", "runs", "engine")})
    quick = bool(os.environ.get("QUICK"))
    runs = QUICK_RUNS if quick else int(os.environ.get("RUNS", RUNS))
    began = time.monotonic()
    rows = everything(*_work(quick, runs), SEED, lambda line: print(line, file=sys.stderr))
    _print(rows)
    if quick:
        print("\n".join(goal.line() for goal in goals(rows)))
        print("QUICK: too few rollouts for these figures to mean much.")
        return 0
    took = round(time.monotonic() - began)
    return _tell(rows, {"seed": SEED, "seconds": took, "runs": runs, "engine": ENGINE_VERSION})


def _tell(rows: list[Row], more: dict[str, object]) -> int:
    found = goals(rows)
    print("\n".join(goal.line() for goal in found))
    path = report.write("rollout", rows, found, **more)
    picture.draw(rows, path.with_suffix(".png"))
    print(f"{path} and {path.with_suffix('.png').name}")
    return 0


def _work(quick: bool, runs: int) -> tuple[list[cells.Cell], list[Setting]]:
    grid = [cell for cell in cells.grid(runs) if not quick or cell.scenario.rps == 100.0]
    late = [cell for cell in cells.late(runs // 2) if not quick or cell.scenario.harm in (0.0, 0.05)]
    chosen = [*grid, *cells.troubles(runs), *cells.timeouts(runs), *late, *cells.reference(3 * runs)]
    places = [(0.01, 100.0)] if quick else [(base, rps) for base in (0.002, 0.01, 0.03) for rps in (30.0, 100.0)]
    return chosen, [Setting(base, rps, 2 * runs) for base, rps in places]


def _print(rows: list[Row]) -> None:
    print(f"{'':92} {'system':14} rolled back  promoted  p50 s  harmed users")
    for row in rows:
        soon = f"{row['promote_p50_s']:.0f}" if row["promote_p50_s"] is not None else "-"
        print(
            f"{row['table'] + ': ' + row['label']:92} {row['system']:14} {row['rolled_back']:10.1%} "
            f"{row['promoted']:9.1%}  {soon:>5}  {row['harmed_mean']:12,.0f}"
        )


if __name__ == "__main__":
    sys.exit(main())
