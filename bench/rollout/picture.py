"""The comparison as one picture."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from bench.rollout.play import ARGO, FLAGGER, OURS, Row

SYSTEMS = (OURS, FLAGGER, ARGO)
COLOURS = {OURS: "#1b7f5c", FLAGGER: "#d98032", ARGO: "#5b6fb5"}
BESIDE = {OURS: -15, FLAGGER: 7, ARGO: 7}
"""Points above or below, so that lines that meet do not cover each other's numbers."""
FLOOR = 0.003
"""A share of nothing is drawn this high, so that its bar can be seen."""


def draw(rows: list[Row], path: Path) -> None:
    """Four panels: errors away from where rules were tuned, harm done at the defaults, and time to promote."""
    figure, panels = plt.subplots(2, 2, figsize=(14, 9.5), layout="constrained")
    figure.suptitle(
        "Deciding a canary: Perennial (no tuning) beside the rules of Flagger and Argo Rollouts",
        fontsize=15,
        weight="bold",
    )
    tuned = [row for row in rows if row["table"] == "tuned" and row["label"].startswith("base 1.00%, 100/s")]
    _days(
        panels[0][0], tuned, 0.0, "rolled_back", "Good models rolled back\n(peers tuned at 1 %, 100 requests/s)", 0.01
    )
    _days(panels[0][1], tuned, 0.005, "promoted", "Models 0.5 points worse promoted\n(peers tuned likewise)", 0.05)
    grid = [row for row in rows if row["table"] == "grid" and row["base"] == 0.01]
    _harm(panels[1][0], [row for row in grid if row["rps"] == 100.0 and row["harm"]])
    _time(panels[1][1], [row for row in grid if not row["harm"]])
    handles, labels = panels[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4, frameon=False, fontsize=11)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _days(axes: Axes, rows: list[Row], harm: float, column: str, title: str, promise: float) -> None:
    days = list(dict.fromkeys(row["day"] for row in rows))
    for place, system in enumerate(SYSTEMS):
        value = {row["day"]: row[column] for row in rows if row["system"] == system and row["harm"] == harm}
        at = [index + (place - 1) * 0.27 for index in range(len(days))]
        axes.bar(at, [max(value[day], FLOOR) for day in days], 0.25, label=system, color=COLOURS[system])
        for x, day in zip(at, days, strict=True):
            text = f"{100 * value[day]:.0f}"
            axes.text(x, max(value[day], FLOOR) + 0.012, text, ha="center", fontsize=8, color=COLOURS[system])
    axes.axhline(promise, color="#444444", linewidth=1, linestyle="--", label="what Perennial promises, at most")
    axes.set_xticks(range(len(days)), [day.replace(" ", "\n", 1) for day in days])
    axes.set_ylim(0, 1.1)
    axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %")
    _finish(axes, title)


def _harm(axes: Axes, rows: list[Row]) -> None:
    for system in SYSTEMS:
        found = sorted((row["harm"], row["harmed_mean"]) for row in rows if row["system"] == system)
        axes.plot([100 * harm for harm, _ in found], [value for _, value in found], "o-", color=COLOURS[system], lw=2)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xticks([0.5, 1, 2, 5, 50], ["+0.5", "+1", "+2", "+5", "+50"])
    axes.set_xlabel("how much worse the canary is, in points")
    axes.set_ylabel("users with a bad answer more, within 4 h")
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    _finish(axes, "Harm done by a worse model, mean of all rollouts\n(stable 1 %, 100 requests/s, everyone's defaults)")


def _time(axes: Axes, rows: list[Row]) -> None:
    for system in SYSTEMS:
        found = [row for row in rows if row["system"] == system and row["promote_p50_s"] is not None]
        found.sort(key=lambda row: row["rps"])
        minutes = [row["promote_p50_s"] / 60 for row in found]
        axes.plot([row["rps"] for row in found], minutes, "o-", color=COLOURS[system], lw=2)
        for row, value in zip(found, minutes, strict=True):
            axes.annotate(
                f"{row['promoted']:.0%}",
                (row["rps"], value),
                (0, BESIDE[system]),
                textcoords="offset points",
                ha="center",
                fontsize=8,
                color=COLOURS[system],
            )
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xticks([1, 10, 30, 100, 300], ["1", "10", "30", "100", "300"])
    axes.set_yticks([1, 3, 10, 30, 100, 240], ["1", "3", "10", "30", "100", "240"])
    axes.set_xlabel("requests per second")
    axes.set_ylabel("minutes until promoted, median")
    _finish(
        axes,
        "Time to promote a good model; beside each point, how many were promoted\n(stable 1 %, everyone's defaults)",
    )


def _finish(axes: Axes, title: str) -> None:
    axes.set_title(title, fontsize=11)
    axes.grid(True, axis="y", alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
