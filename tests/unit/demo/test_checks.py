"""The demonstration ends well only if every part of the story happened."""

from __future__ import annotations

from typing import Any

import pytest

from demo.checks import Record, missing
from demo.scene import parse
from demo.tally import Answer, Tally
from tests.unit.demo.objects import canary, deployment, ended, revision

HISTORY = [ended(3, "RolledBack"), ended(2, "Promoted"), ended(1, "Deployed")]
STEPS = [10, 50]


def told(
    history: list[dict[str, Any]] = HISTORY,
    stable: int = 2,
    weights: tuple[int, ...] = (0, 10, 50),
    answers: tuple[Answer, ...] = (),
) -> list[str]:
    """What is missing from a story that went well but for what is given."""
    tally = Tally()
    good = (Answer(0.01, 200, "flights-r1"), Answer(0.01, 200, "flights-r2"), Answer(0.01, 400, "flights-r3"))
    for answer in answers or good:
        tally.sent += 1
        tally.add(answer)
    record = Record(services={f"flights-r{n}": n for n in (1, 2, 3)}, weights={2: list(weights)})
    scene = parse([deployment({"stable": revision(stable), "history": history})])
    return missing(scene, record, tally, STEPS)


def test_nothing_is_missing_from_a_story_that_happened() -> None:
    assert told() == []


@pytest.mark.parametrize("version", [1, 2, 3])
def test_every_version_has_to_end_as_the_story_says(version: int) -> None:
    history = [each for each in HISTORY if each["version"] != version]
    assert any(f"v{version}" in sentence for sentence in told(history))


def test_the_last_outcome_of_a_version_counts() -> None:
    assert told([ended(2, "Superseded"), *HISTORY]) != []


def test_v2_has_to_serve_in_the_end() -> None:
    assert told(stable=3) != []


@pytest.mark.parametrize("weights", [(), (10,), (0, 50), (0, 10, 50, 10)])
def test_v2_has_to_climb_every_step(weights: tuple[int, ...]) -> None:
    assert any("climb" in sentence for sentence in told(weights=weights))


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        (Answer(0.01, 503), "lost"),
        (Answer(30.0, error="TimeoutError"), "lost"),
        (Answer(0.01, 404), "gateway"),
        (Answer(0.01, 200, "stranger"), "stranger"),
    ],
)
def test_every_request_has_to_be_answered_by_one_of_the_three(answer: Answer, word: str) -> None:
    assert any(word in sentence for sentence in told(answers=(Answer(0.01, 400, "flights-r3"), answer)))


def test_v3_has_to_show_its_mistake() -> None:
    assert told(answers=(Answer(0.01, 200, "flights-r3"),)) != []


def test_the_record_notes_each_weight_once_and_every_server_that_was_ever_live() -> None:
    record = Record()
    for weight in (0, 0, 10, 10, 50):
        record.note(parse([deployment({"stable": revision(1), "canary": canary(2, weight)})]))
    record.note(parse([deployment({"stable": revision(2)})]))
    assert record.weights == {2: [0, 10, 50]}
    assert record.services == {"flights-r1": 1, "flights-r2": 2}
