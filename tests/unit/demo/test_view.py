"""The story in plain lines and as a table."""

from __future__ import annotations

import io
from pathlib import Path

from rich.console import Console

from demo.scene import Scene, parse, rows
from demo.tally import Answer, Tally
from demo.view import Terminal, plain_line, sentence, table, traffic_line
from tests.unit.demo.objects import TIME, canary, condition, deployment, revision, version

ANALYSIS = {
    "verdict": "Hold",
    "reason": "InsufficientEvidence",
    "message": "More requests are needed.",
    "time": TIME,
    "metrics": [{"name": "errors", "stable": "0 of 900", "canary": "2 of 100", "evidence": "rollback 3 of 100"}],
}


def rolling(weight: int = 10) -> Scene:
    status = {"stable": revision(1), "canary": canary(2, weight), "analysis": ANALYSIS}
    return parse([version(1), version(2), deployment(status)])


def counted() -> Tally:
    tally = Tally(sent=1200)
    tally.add(Answer(0.004, 400, "flights-r2"))
    return tally


def test_the_sentence_has_verdict_reason_and_message() -> None:
    told = sentence(rolling())
    assert told == "Hold InsufficientEvidence: More requests are needed."


def test_without_a_canary_the_sentence_is_that_of_the_conditions() -> None:
    status = {"conditions": [condition("UpToDate", "False"), condition("Stalled", "True", "RolledBack", "It failed.")]}
    assert sentence(parse([deployment(status)])) == "It failed."


def test_before_there_is_anything_to_roll_out_the_sentence_is_that_of_the_training() -> None:
    status = {"conditions": [condition("Reconciling", "True", "Running", "Attempt 1 of 3 is running.")]}
    run = {"kind": "TrainingRun", "metadata": {"name": "january"}, "spec": {}, "status": status}
    assert sentence(parse([run, deployment({})])) == "TrainingRun january: Attempt 1 of 3 is running."


def test_traffic_in_a_line() -> None:
    assert traffic_line(Tally()) == "no traffic yet"
    assert traffic_line(Tally(sent=5)) == "5 requests, none lost"
    assert traffic_line(counted()) == "1,200 requests, none lost, median 4 ms, 99 of 100 within 4 ms"


def test_a_plain_line_names_each_version_that_plays_a_part() -> None:
    scene = rolling()
    line = plain_line(scene, rows(scene, counted(), scene.services()), counted(), "advance 6 of 20")
    assert line == (
        "v1 stable 90 % (0) | v2 canary 10 % (1, 1 bad) | 1,200 requests, none lost | advance 6 of 20"
        " | Hold InsufficientEvidence: More requests are needed."
    )


def test_a_plain_line_is_cut_where_a_log_would_wrap_it() -> None:
    status = {"conditions": [condition("Stalled", "True", message="word " * 100)]}
    scene = parse([version(1), deployment(status)])
    assert len(plain_line(scene, [], Tally(), "")) == 148


def test_the_table_has_a_line_for_each_version() -> None:
    scene = rolling()
    out = io.StringIO()
    Console(file=out, width=120).print(table(rows(scene, counted(), scene.services())))
    assert [word in out.getvalue() for word in ("v1", "v2", "canary", "10 %", "requests")] == [True] * 5


def test_plain_lines_come_with_every_change_and_every_few_seconds(tmp_path: Path) -> None:
    out, now = io.StringIO(), [0.0]
    with Terminal(tmp_path / "logs" / "demo.txt", Console(file=out, width=200), clock=lambda: now[0]) as view:
        view.say("It begins.")
        for second, weight in ((1.0, 10), (2.0, 10), (3.0, 25), (9.0, 25)):
            now[0] = second
            scene = rolling(weight)
            view.show(scene, rows(scene, Tally(), {}), Tally(), "")
    lines = out.getvalue().splitlines()
    assert lines[0] == "[    0 s] It begins."
    assert [line[:9] for line in lines[1:]] == ["[    1 s]", "[    3 s]", "[    9 s]"]
    assert (tmp_path / "logs" / "demo.txt").read_text().splitlines() == lines
