"""The picture of a rollout: what is in it, and that it fits, whatever the status and the terminal."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from perennial.cli.deployment import Deployment
from perennial.cli.live import Live, Metric, Odds, Point
from perennial.cli.view.curves import Curve, plot
from perennial.cli.view.frame import frame
from perennial.cli.view.headline import sentence, state
from perennial.cli.view.lines import line
from perennial.cli.view.past import history
from perennial.cli.view.plain import in_ascii
from perennial.cli.view.scene import Scene
from perennial.cli.view.weights import Stage, stages
from tests.unit.cli.objects import (
    CANARY,
    NOW,
    RECORDED,
    ago,
    canary,
    condition,
    entry,
    obj,
    recorded,
    rolled_back,
    rolling,
    steady,
)

SIZES = ((80, 24), (120, 40), (60, 20), (40, 12), (20, 5), (200, 60))
STARTING = (condition("Ready", "False", "Starting"), condition("Reconciling", "True", "Preflight"))
LONG = "Verwaltung sagt: 版本二 wird noch geprüft, " * 12


def shown(scene: Scene, width: int = 80, height: int | None = 24) -> str:
    return "\n".join(each.plain for each in frame(scene, width, height))


def scene(seen: Deployment | None, **more: Any) -> Scene:
    return Scene(seen, NOW, NOW, **more)


def points(count: int, step: int = 0) -> tuple[Point, ...]:
    begin = NOW.timestamp() - 10 * count
    return tuple(Point(begin + 10 * i, step, 5, -0.01 * i, 0.05 * i) for i in range(count))


def live(count: int = 60, **more: Any) -> Live:
    worse, good = Odds(-0.6, math.log(100)), Odds(2.5, math.log(20))
    metrics = (
        Metric("errors", 1234, 12, 11034, 98, Odds(-0.6, math.log(200)), good),
        Metric("latency", 1234, 61, 11034, 540, Odds(-1.2, math.log(333)), good, "slower than 25 ms"),
    )
    told = Live(points(count), worse, good, metrics, "It is looked at.", 372.0, NOW - timedelta(seconds=4))
    return replace(told, **more)


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_every_recorded_status_fits_every_terminal(path: Path) -> None:
    told = scene(Deployment.of(recorded(path)))
    for width, height in SIZES:
        lines = frame(told, width, height)
        assert len(lines) <= height
        assert all(each.cell_len < width and "\n" not in each.plain for each in lines)
    words = " ".join(shown(told, 100, None).split())
    assert " ".join(sentence(told).split()) in words
    assert all(each.message in words for each in told.seen.conditions) if told.seen else False


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_a_full_picture_fits_every_terminal(width: int, height: int) -> None:
    long = Deployment.of(
        obj(
            condition("Reconciling", "True", "InsufficientEvidence", LONG),
            condition("GatewayReady", "False", "RouteRefused", LONG),
            canary=canary(),
            history=[entry(n, f"r{n}", "Promoted", n * 1e5, LONG) for n in range(10)],
        )
    )
    lines = frame(scene(long, live=live(message=LONG), note="No curves.", trouble="No answer."), width, height)
    assert len(lines) <= height
    assert all(each.cell_len < width for each in lines)
    assert [each.plain.strip() for each in lines[-2:]] == ["No answer.", "No curves."], "the foot is never lost"


def test_a_rollout_at_80_by_24() -> None:
    seen = rolling(spec={"bake": {"seconds": 600, "holdbackPercent": 2}}, history=[entry(1, "r", "Deployed")])
    text = shown(scene(seen, live=live()))
    rows = text.splitlines()
    assert rows[0].startswith("flights/late  ● rolls out version 2 · 2 min at 10 %")
    assert rows[0].endswith("counted 4 s ago")
    assert rows[2] == "It is looked at."
    assert rows[4].startswith(" stable   version 1  █")
    assert rows[4].endswith(" 90 %  revision stablerevision")
    assert rows[5].startswith(" canary   version 2  █")
    assert " 10 %  revision canaryrevision" in rows[5]
    assert rows[6].startswith(" steps    ▸5 % → 10 → 25 → 50 → 98 → 100 % ")
    assert "promoted in about 6 min" in rows[6]
    assert "Is it worse?" in text
    assert "0.55 of 100" in text
    assert "rolls back" in text
    assert "Is it good enough?" in text
    assert "12 of 20" in text
    assert "goes to 10 %" in text
    assert "12 of 1,234 (0.97 %)" in text
    assert "540 of 11,034 (4.89 %)" in text
    assert "slower than 25 ms" in text
    assert "10 min ago" in text
    assert "now" in text
    assert any(0x2801 <= ord(each) <= 0x28FF for each in text)


def test_without_the_operators_memory_the_status_tells() -> None:
    told = {"name": "errors", "canary": "0 of 10 (0.00 %)", "stable": "1 of 90 (1.11 %)"}
    metrics = [{**told, "evidence": "roll back 10 of 100, advance 1 of 20.1"}]
    analysis = {"verdict": "Hold", "reason": "InsufficientEvidence", "time": ago(95), "metrics": metrics}
    text = shown(scene(rolling(analysis=analysis | {"expectedSeconds": 90}), note="No curves: because."))
    assert "counted 95 s ago" in text
    worse, good = (next(row for row in text.splitlines() if title in row) for title in ("Is it worse?", "Is it good"))
    assert worse.count("█") == worse.count("░")
    assert "10 of 100, then it rolls back" in worse
    assert "█" not in good
    assert "1 of 20, then it goes to 10 %" in good
    assert "0 of 10 (0.00 %)" in text
    assert "10 of 100     1 of 20.1" in text
    assert "promoted in about 90 s" in text
    assert text.splitlines()[-1] == " No curves: because."


def test_while_it_proves_itself_only_one_question_is_left() -> None:
    previous = {"version": 1, "revision": "old", "weight": 2, "bakeUntil": ago(-300), "until": ago(-900)}
    baking = condition("UpToDate", "True", "Baking", "It is watched.")
    seen = Deployment.of(obj(baking, stable={"version": 2, "revision": CANARY}, previous=previous))
    text = shown(scene(seen, live=live()))
    assert "● proves itself" in text
    assert "98 %" in text
    assert "for comparison, for 5 min more" in text
    assert "Is it worse?" in text
    assert "Is it good enough?" not in text


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        (rolling(), "rolls out version 2"),
        (rolled_back(), "rolled back"),
        (steady(), "serves"),
        (Deployment.of(obj(condition("Stalled", "True", "NoVersion"))), "cannot go on"),
        (Deployment.of(obj(condition("Reconciling", "True", "Paused"), canary=canary())), "is paused"),
        (Deployment.of(obj(condition("Reconciling", "True", "TimeCapReached"), canary=canary())), "waits for you"),
        (Deployment.of(obj(condition("Reconciling", "True", "Withdrawn"))), "is tried again later"),
        (Deployment.of(obj(condition("Reconciling", "True", "Preparing"))), "is being prepared"),
        (Deployment.of(obj(condition("Ready", "False", "NothingServes"), stable=None)), "nothing serves"),
        (Deployment.of(obj(condition("Ready", "False", "Starting"))), "is not ready"),
        (Deployment.of(obj(*STARTING, stable=None)), "is being prepared"),
        (Deployment.of(obj(*STARTING)), "is not ready"),
        (Deployment.of(obj(stable=None)), "is new"),
    ],
)
def test_what_goes_on_in_two_words(seen: Deployment, words: str) -> None:
    assert state(seen)[0] == words


def test_the_sentence_that_matters_most() -> None:
    held = condition("Reconciling", "True", "InsufficientEvidence", "From status.")
    seen = Deployment.of(obj(held, canary=canary()))
    assert sentence(scene(seen)) == "From status."
    assert sentence(scene(seen, live=live())) == "It is looked at."
    paused = Deployment.of(obj(condition("Reconciling", "True", "Paused", "It waits."), canary=canary()))
    assert sentence(scene(paused, live=live())) == "It waits.", "the evidence is not why it holds"
    assert sentence(scene(rolled_back())) == "It is RolledBack."
    assert sentence(scene(None)) == "It was deleted."
    assert sentence(scene(Deployment.of({"metadata": {"name": "late"}}))) == "The operator has not looked at it yet."


def test_how_old_it_is() -> None:
    old = Scene(rolling(), NOW, NOW - timedelta(seconds=40), live(), "No answer from the cluster.")
    rows = shown(old).splitlines()
    assert rows[0].endswith("no answer for 40 s")
    assert rows[-1] == " No answer from the cluster."


@pytest.mark.parametrize(
    ("spec", "weights"),
    [
        ({}, [5, 10, 25, 50, 100]),
        ({"strategy": {"canary": {"steps": [{"weight": 20}]}}}, [20, 100]),
        ({"strategy": {"canary": {"weight": 30}}}, []),
        ({"strategy": {"blueGreen": {}}, "bake": {"holdbackPercent": 2}}, []),
        ({"bake": {"seconds": 600, "holdbackPercent": 2}}, [5, 10, 25, 50, 98, 100]),
        ({"bake": {"seconds": 0, "holdbackPercent": 2}}, [5, 10, 25, 50, 100]),
    ],
)
def test_the_way(spec: dict[str, Any], weights: list[int]) -> None:
    assert [each.weight for each in stages(spec)] == weights


@pytest.mark.parametrize(
    ("strategy", "words"),
    [
        ({"canary": {"weight": 30}}, "30 %, set by hand: it goes no further by itself"),
        ({"shadow": {"percent": 20}}, "a copy of 20 % of requests → 100 % at once"),
        ({"blueGreen": {}}, "0 % → 100 % at once"),
        ({"blueGreen": {"previewSeconds": 300}}, "0 % → 100 % at once, after 5 min of preview"),
        ({"recreate": {}}, "the old version ends before the new one starts"),
    ],
)
def test_ways_without_steps(strategy: dict[str, Any], words: str) -> None:
    assert f" steps    {words}" in shown(scene(rolling(spec={"strategy": strategy})))


def test_a_shadow_gets_copies() -> None:
    seen = Deployment.of(obj(canary=canary(weight=0, mirror=20), spec={"strategy": {"shadow": {"percent": 20}}}))
    rows = shown(scene(seen), 100).splitlines()
    assert " 0 %  gets a copy of 20 %" in next(row for row in rows if row.startswith(" canary"))


def test_a_gate_is_told() -> None:
    spec = {"strategy": {"canary": {"steps": [{"weight": 10}, {"weight": 50, "gate": "Manual"}]}}}
    assert stages(spec)[1] == Stage(50, gate=True)
    text = shown(scene(rolling(spec=spec)))
    assert "▸10 % → 50 (asks you) → 100 %" in text


def test_a_curve_ends_at_its_bound_and_begins_anew_with_a_step() -> None:
    curve = Curve("Is it good enough?", "goes on", "green", Odds(3.0, 3.0), lambda point: point.good)
    begin = NOW.timestamp() - 100
    climbing = [Point(begin, 0, 5, 0.0, 0.0), Point(begin + 50, 0, 5, 0.0, 3.0)]
    rows = [each.plain for each in plot(curve, climbing, NOW.timestamp(), 46, 11)]
    assert len(rows) == 11
    assert all(len(row) <= 46 for row in rows)
    assert rows[1].startswith("   20┤")
    assert rows[8].startswith("    1┤")
    dotted = [row for row in rows[1:9] if any(ord(each) > 0x2800 for each in row)]
    assert len(dotted) == 8, "from one to the bound through every row"
    anew = [*climbing, Point(begin + 60, 1, 10, 0.0, 0.0), Point(begin + 90, 1, 10, 0.0, 0.0)]
    fallen = [each.plain for each in plot(curve, anew, NOW.timestamp(), 46, 11)]
    assert fallen[4] == rows[4], "a step is no fall"
    assert "┴5 %" in fallen[9]
    assert "┴10 %" in fallen[9]


def test_the_past_is_told_as_fully_as_there_is_room() -> None:
    told = scene(steady(history=[entry(1, "r", "RolledBack", 90000, LONG), entry(2, "s", "Promoted", 9, "Short.")]))
    assert [len(history(told, 80, rows)) for rows in (1, 2, 3, 4, 50)] == [1, 2, 3, 4, 13]
    first = history(told, 80, 2)[0].plain
    assert first.startswith(" 25 h ago   version 1   rolled back   Verwaltung")
    assert first.endswith("…")


def test_a_line_for_a_log_says_what_changes_only() -> None:
    told = scene(rolling(), live=live())
    assert line(told) == (
        "stable 1 | canary 2 at 10 % | rolls out version 2 | InsufficientEvidence: It is InsufficientEvidence."
    )
    assert line(scene(None)) == "It was deleted."


def test_terminals_without_unicode() -> None:
    for each in frame(scene(rolling(), live=live()), 80, 24):
        plain = in_ascii(each)
        assert plain.plain.isascii()
        assert plain.cell_len == each.cell_len
