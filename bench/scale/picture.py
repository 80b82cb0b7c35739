"""The growth with the number of rollouts as one picture, drawn from bench/results/scale.json."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")

from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from bench.report import RESULTS

GREEN, ORANGE, BLUE, GREY = "#1b7f5c", "#d98032", "#5b6fb5", "#666666"

Row = dict[str, Any]


def draw(rows: list[Row], machine: dict[str, Any], path: Path) -> None:
    """Three panels: how fast a bad model is taken out, what the operator uses, what it asks the apiserver for."""
    figure, panels = plt.subplots(1, 3, figsize=(14, 4.6), layout="constrained")
    title = f"One operator, many rollouts ({machine['cores']} cores shared with kube-apiserver and etcd)"
    figure.suptitle(title, fontsize=14, weight="bold")
    _latency(panels[0], rows)
    _usage(panels[1], rows)
    _calls(panels[2], rows)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _latency(axes: Axes, rows: list[Row]) -> None:
    counts = [row["rollouts"] for row in rows]
    lines = (
        ("all_max_s", "all go bad: the last of them", ORANGE, 15.0),
        ("single_p99_s", "one goes bad: 99th percentile", GREEN, 1.0),
        ("single_p50_s", "one goes bad: median", BLUE, None),
    )
    for column, label, colour, goal in lines:
        values = [row[column] for row in rows]
        axes.plot(counts, values, "o-", color=colour, lw=2, label=label)
        axes.annotate(f"{values[-1]:.2g} s", (counts[-1], values[-1]), (0, 7), textcoords="offset points", ha="center")
        if goal:
            axes.plot([counts[-1]], [goal], "_", color=colour, markersize=18, mew=2)
            axes.annotate("goal", (counts[-1], goal), (12, -3), textcoords="offset points", fontsize=8, color=colour)
    axes.set_yscale("log")
    axes.set_ylabel("seconds from the poll to weight 0")
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.legend(frameon=False, fontsize=9, loc="upper left")
    _finish(axes, "From the poll with the fatal counts\nto weight 0 in the route", counts)


def _usage(axes: Axes, rows: list[Row]) -> None:
    counts = [row["rollouts"] for row in rows]
    cpu, memory = ([row[column] for row in rows] for column in ("cpu_share", "rss_mb"))
    axes.plot(counts, [100 * each for each in cpu], "o-", color=GREEN, lw=2)
    axes.set_ylabel("CPU, percent of one core", color=GREEN)
    axes.set_ylim(0, max(120 * each for each in cpu))
    other = axes.twinx()
    other.plot(counts, memory, "s--", color=BLUE, lw=2)
    other.set_ylabel("resident memory, MB", color=BLUE)
    other.set_ylim(0, max(1.2 * each for each in memory))
    other.spines[["top"]].set_visible(False)
    _finish(axes, "What the operator uses\nwhile every rollout is being counted", counts)


def _calls(axes: Axes, rows: list[Row]) -> None:
    counts = [row["rollouts"] for row in rows]
    for column, label, colour in (("reads_per_minute", "reads", GREEN), ("writes_per_minute", "writes", ORANGE)):
        axes.plot(counts, [max(row[column], 0.1) for row in rows], "o-", color=colour, lw=2, label=label)
    first, last = rows[0]["reads_per_minute"], counts[-1] / counts[0]
    axes.plot([counts[0], counts[-1]], [first, first * last], ":", color=GREY, label="linear growth")
    axes.set_yscale("log")
    axes.set_ylabel("calls of the apiserver a minute")
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,g}")
    axes.legend(frameon=False, fontsize=9, loc="upper left")
    _finish(axes, "What it asks the apiserver for\nin the same time", counts)


def _finish(axes: Axes, title: str, counts: list[int]) -> None:
    axes.set_xscale("log")
    axes.set_xticks(counts, [f"{count:,}" for count in counts])
    axes.minorticks_off()
    axes.set_xlabel("rollouts under way")
    axes.set_title(title, fontsize=11)
    axes.grid(True, axis="y", alpha=0.25)
    axes.spines[["top"]].set_visible(False)


def main() -> int:
    """Draw it."""
    found = json.loads((RESULTS / "scale.json").read_text())
    path = RESULTS / "scale.png"
    draw(found["rows"], found["machine"], path)
    print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
