"""The goals of the decision engine, measured on the rows."""

from __future__ import annotations

import math

from bench.report import Goal
from bench.rollout.play import OURS, Row
from bench.rollout.world import TICK
from perennial.rollout import Plan

ALPHA, BETA = Plan().false_rollback, Plan().miss


def goals(rows: list[Row]) -> list[Goal]:
    """Each with its target; reference figures are for 5 s polls, stable 1 %, tolerance 0.005, no slack."""
    mine = [row for row in rows if row["system"] == OURS]
    return [*_errors(mine), *_reference(mine), *_troubles(mine), *_late(mine), *_elsewhere(mine)]


def limit(alpha: float, runs: int) -> float:
    """What a share whose true value is `alpha` may show over `runs`: three standard deviations more."""
    return alpha + 3 * math.sqrt(alpha * (1 - alpha) / runs)


def _errors(mine: list[Row]) -> list[Goal]:
    good = [row for row in mine if row["table"] in ("grid", "reference") and not row["harm"]]
    worst = max(good, key=lambda row: row["rolled_back"] - limit(ALPHA, row["runs"]))
    pooled = sum(row["rolled_back"] * row["runs"] for row in good) / sum(row["runs"] for row in good)
    harmful = [row for row in mine if row["table"] == "grid" and row["harm"] >= max(row["base"], 0.005)]
    missed = max(harmful, key=lambda row: row["promoted"] - limit(BETA, row["runs"]))
    return [
        Goal("good models rolled back, all cells of the grid together", pooled, "share", ALPHA, "lower"),
        Goal(
            f"good models rolled back, worst cell ({worst['label']}; with 3 sd)",
            worst["rolled_back"],
            "share",
            limit(ALPHA, worst["runs"]),
            "lower",
        ),
        Goal(
            f"models worse by the tolerance or more promoted, worst cell ({missed['label']}; with 3 sd)",
            missed["promoted"],
            "share",
            limit(BETA, missed["runs"]),
            "lower",
        ),
    ]


def _reference(mine: list[Row]) -> list[Goal]:
    row = {each["label"]: each for each in mine if each["table"] == "reference"}
    found = [Goal("+0.5 pp promoted at 100/s", row["100/s, +0.5 pp"]["promoted"], "share", 0.04, "lower")]
    aims = (("100/s", "p50", 135.0), ("100/s", "p90", 275.0), ("10/s", "p50", 975.0), ("300/s", "p50", 55.0))
    for short in ("", ", requests of 5 s at most"):
        for traffic, which, seconds in aims:
            value = row[f"{traffic}, +0 pp{short}"][f"promote_{which}_s"]
            name = f"good model promoted at {traffic}{short}, {'median' if which == 'p50' else which}"
            found.append(Goal(name, value, "s", seconds, "lower"))
    for harm, requests in (("1", 2140.0), ("2", 564.0), ("5", 155.0)):
        value = row[f"100/s, +{harm} pp"]["counted_to_rollback"]
        name = f"+{harm} pp rolled back at 100/s, mean counted requests of the canary"
        found.append(Goal(name, value, "requests", requests, "lower"))
    for harm in ("1", "2", "5"):
        found.append(_information(f"+{harm} pp from the first request on", row[f"100/s, +{harm} pp"], 1.5))
        found.append(_information(f"+{harm} pp after an hour", row[f"held at 5 %, +{harm} pp after an hour"], 3.5))
    return found


def _information(name: str, row: Row, factor: float) -> Goal:
    """Mean information until the rollback over log(1/alpha); one poll at the first weight is granted besides."""
    least = math.log(1 / ALPHA)
    value = row["information_to_rollback"]
    poll = row["rps"] * TICK * Plan().weights[0] / 100 * least / row["bound_requests"]
    ratio = None if value is None else value / least
    return Goal(f"{name}: information until rolled back", ratio, "times the bound", factor + poll / least, "lower")


def _troubles(mine: list[Row]) -> list[Goal]:
    found = []
    for row in (each for each in mine if each["table"] == "troubles" and not each["harm"]):
        target = 0.02 if row["burst"] > 1 or row["pods"] else limit(ALPHA, row["runs"])
        name = row["label"].rpartition(",")[0]
        found.append(Goal(f"good models rolled back: {name}", row["rolled_back"], "share", target, "lower"))
        if row["outage"]:
            after = row["promote_p50_s"] - sum(row["outage"]) if row["promote_p50_s"] else None
            found.append(Goal("good model promoted after the end of a common outage, median", after, "s", 300, "lower"))
    for row in (each for each in mine if each["table"] == "timeouts"):
        found.append(
            Goal(f"promoted although {row['label']}", row["promoted"], "share", limit(BETA, row["runs"]), "lower")
        )
    return found


def _late(mine: list[Row]) -> list[Goal]:
    """What breaks an hour after it was promoted is found by the two percent that stayed: where they tell enough."""
    rows = [row for row in mine if row["table"] == "late"]
    good = max((row for row in rows if not row["harm"]), key=lambda row: row["rolled_back"])
    found = [
        Goal("good models rolled back in a bake of two hours", good["rolled_back"], "share",
             limit(ALPHA, good["runs"]), "lower"),
    ]  # fmt: skip
    for row in (each for each in rows if each["harm"] >= 0.05):
        name = f"broken models kept at the end of the bake: {row['label']}"
        found.append(Goal(name, row["promoted"], "share", limit(BETA, row["runs"]), "lower"))
    return found


def _elsewhere(mine: list[Row]) -> list[Goal]:
    """With nothing tuned, on all days of the table on which peers' tuned rules are tried."""
    rows = [row for row in mine if row["table"] == "tuned"]
    good = max((row for row in rows if not row["harm"]), key=lambda row: row["rolled_back"])
    bad = max((row for row in rows if row["harm"]), key=lambda row: row["promoted"])
    return [
        Goal(f"good models rolled back, worst day ({good['label']})", good["rolled_back"], "share",
             limit(ALPHA, good["runs"]), "lower"),
        Goal(f"models 0.5 points worse promoted, worst day ({bad['label']})", bad["promoted"], "share",
             limit(BETA, bad["runs"]), "lower"),
    ]  # fmt: skip
