"""The tables of docs/benchmarks.md, written anew from the committed results: `python -m bench.tables`."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from bench import report

PAGE = Path(__file__).parents[1] / "docs/benchmarks.md"
_PLACE = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)

Row = dict[str, Any]
SYSTEMS = ("Perennial", "Flagger", "Argo Rollouts")


def written(page: str) -> str:
    """The page with every table as the results have it."""
    return _PLACE.sub(lambda found: f"{found[1]}{TABLES[found[2]]()}{found[3]}", page)


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    names = list(head)
    lines = [names, ["---"] * len(names), *(list(row) for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _rows(table: str) -> list[Row]:
    return [row for row in report.read("rollout")["rows"] if row["table"] == table]


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _harmed(row: Row) -> str:
    return f"{row['harmed_mean']:,.0f}"


def _minutes(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds / 60:.1f}"


def _by_system(rows: Iterable[Row]) -> dict[str, dict[str, Row]]:
    """Label -> system -> row."""
    found: dict[str, dict[str, Row]] = {}
    for row in rows:
        found.setdefault(row["label"], {})[row["system"]] = row
    return found


def _three(name: Callable[[str], str]) -> list[str]:
    return [name(system) for system in SYSTEMS]


def tuned() -> str:
    """Peers tuned at one base rate and traffic, met with other days."""
    rows = [row for row in _rows("tuned") if row["label"].startswith("base 1.00%, 100/s")]
    days = list(dict.fromkeys(row["day"] for row in rows))

    def cell(day: str, system: str) -> str:
        good, bad = (
            next(row for row in rows if (row["day"], row["system"], row["harm"]) == (day, system, harm))
            for harm in (0.0, 0.005)
        )
        return f"{_percent(good['rolled_back'])} / {_percent(bad['promoted'])} / {_harmed(bad)}"

    head = ["that day", *_three(lambda system: system if system == "Perennial" else f"{system}, tuned")]
    return _table(head, ([day, *(cell(day, system) for system in SYSTEMS)] for day in days))


def places() -> str:
    """All places where peers were tuned, each one's worst day."""
    rows = _rows("tuned")
    found = []
    for place in dict.fromkeys(row["label"].partition(":")[0] for row in rows):
        here = [row for row in rows if row["label"].startswith(f"{place}:")]
        found.append([place.replace("%", " %"), *(_worst(here, system) for system in SYSTEMS)])
    return _table(["tuned at", *SYSTEMS], found)


def _worst(rows: list[Row], system: str) -> str:
    mine = [row for row in rows if row["system"] == system]
    good = max(row["rolled_back"] for row in mine if not row["harm"])
    bad = max(row["promoted"] for row in mine if row["harm"])
    return f"{_percent(good)} / {_percent(bad)}"


def defaults() -> str:
    """At everyone's defaults and 100 requests a second."""
    rows = [row for row in _rows("grid") if row["rps"] == 100.0]
    found = []
    for base in sorted({row["base"] for row in rows}):
        for system in SYSTEMS:
            mine = {row["harm"]: row for row in rows if (row["base"], row["system"]) == (base, system)}
            missed = [f"{_percent(mine[harm]['promoted'])} / {_harmed(mine[harm])}" for harm in (0.005, 0.01, 0.05)]
            good = mine[0.0]
            found.append(
                [f"{100 * base:g} %", system, _percent(good["rolled_back"]), _minutes(good["promote_p50_s"]), *missed]
            )
    return _table(["base rate", "", "good: rolled back", "good: minutes", "+0.5 pp", "+1 pp", "+5 pp"], found)


def troubles() -> str:
    """Drift, bursts, outages, at everyone's defaults."""
    found = []
    rows = _by_system(_rows("troubles"))
    for label in (label for label in rows if label.endswith("+0 pp")):
        name = label.removesuffix(", +0 pp")
        good, bad = rows[label], rows[f"{name}, +2 pp"]
        cells = (f"{_percent(good[each]['rolled_back'])} / {_percent(bad[each]['promoted'])}" for each in SYSTEMS)
        found.append([name, *cells])
    return _table(["traffic", *SYSTEMS], found)


def late() -> str:
    """What breaks an hour after the start."""
    found = []
    for label, of in _by_system(_rows("late")).items():
        cells = (f"{_percent(of[each]['rolled_back'])} / {_harmed(of[each])}" for each in SYSTEMS)
        found.append([label, *cells])
    return _table(["traffic and harm", *SYSTEMS], found)


def goals() -> str:
    """The goals of the decision engine."""
    return _goals("rollout")


NOT_RUN = "There are no committed results of this benchmark yet.\n"


def _goals(name: str) -> str:
    if not (report.RESULTS / f"{name}.json").exists():
        return NOT_RUN
    found = []
    for goal in report.read(name)["goals"]:
        limit = f"{'at most' if goal['better'] == 'lower' else 'at least'} {goal['target']:.4g} {goal['unit']}"
        value = "no value" if goal["value"] is None else f"{goal['value']:.4g}"
        found.append([goal["name"], value, limit, "yes" if goal["met"] else "**no**"])
    return _table(["goal", "measured", "aim", "met"], found)


def scale() -> str:
    """The operator's speed against the number of rollouts."""
    if not (report.RESULTS / "scale.json").exists():
        return NOT_RUN
    head = ["rollouts", "one bad: p50", "p99", "all bad: p50", "last", "CPU", "memory", "reads/min", "writes/min"]
    found = [
        [
            f"{row['rollouts']:,}",
            *(f"{row[name]:.2f} s" for name in ("single_p50_s", "single_p99_s", "all_p50_s", "all_max_s")),
            f"{100 * row['cpu_share']:.1f} %",
            f"{row['rss_mb']:.0f} MB",
            *(f"{row[name]:,.0f}" for name in ("reads_per_minute", "writes_per_minute")),
        ]
        for row in report.read("scale")["rows"]
    ]
    return _table(head, found)


def scale_goals() -> str:
    """The goals of the operator's speed."""
    return _goals("scale")


TABLES: dict[str, Callable[[], str]] = {
    each.__name__: each for each in (tuned, places, defaults, troubles, late, goals, scale, scale_goals)
}


def main() -> int:
    """Write the page."""
    PAGE.write_text(written(PAGE.read_text()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
