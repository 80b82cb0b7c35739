"""What the stage does by itself: it follows the cluster, and gives up with a reason."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from demo.kubectl import Kubectl, TooLateError
from demo.scene import Row, Scene
from demo.stage import Stage, StoryError
from demo.tally import Tally
from tests.unit.demo.objects import condition, deployment, revision, version


class Quiet:
    """A view that keeps what it is told."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.shown: list[Sequence[Row]] = []

    def say(self, text: str) -> None:
        self.lines.append(text)

    def show(self, scene: Scene, rows: Sequence[Row], tally: Tally, evidence: str) -> None:
        self.shown.append(rows)


def stage(tmp_path: Path, *objects: dict[str, Any]) -> Stage:
    """A stage whose cluster always has the same objects."""
    file = tmp_path / "objects.json"
    file.write_text(json.dumps({"items": objects}))
    kubectl = Kubectl((sys.executable, "-c", f"print(open({str(file)!r}).read())"))
    return Stage(kubectl, Quiet(), "localhost/perennial-flights-data:abc", "http://127.0.0.1:1", "h", 50, tmp_path)


def test_following_ends_when_it_is_done_and_remembers_what_it_saw(tmp_path: Path) -> None:
    watched = stage(tmp_path, version(1), deployment({"stable": revision(1)}))
    scene = watched.follow(lambda scene: scene.deployment.stable is not None, what="v1 serves", seconds=0)
    assert scene.deployment.stable is not None
    assert watched.record.services == {"flights-r1": 1}
    assert isinstance(watched.view, Quiet)
    assert [row.version for row in watched.view.shown[0]] == [1]


def test_a_failed_run_ends_the_story_with_its_sentence(tmp_path: Path) -> None:
    status = {"conditions": [condition("Succeeded", "False", "Failed", "No column hour.")]}
    run = {"kind": "TrainingRun", "metadata": {"name": "january"}, "spec": {}, "status": status}
    with pytest.raises(StoryError, match=r"january failed: No column hour\."):
        stage(tmp_path, run).follow(lambda _: False, what="v1 serves", seconds=60)


def test_being_late_says_how_far_it_came(tmp_path: Path) -> None:
    status = {"conditions": [condition("Reconciling", "True", "Preparing", "The pod starts.")]}
    with pytest.raises(TooLateError, match=r"v1 serves.*The pod starts\."):
        stage(tmp_path, deployment(status)).follow(lambda _: False, what="v1 serves", seconds=0)


def test_the_data_image_takes_the_place_of_the_examples(tmp_path: Path) -> None:
    acted = stage(tmp_path)
    file = tmp_path / "applied.yaml"
    program = f"import sys; open({str(file)!r}, 'w').write(sys.stdin.read())"
    acted.kubectl = Kubectl((sys.executable, "-c", program))
    acted.apply("data.yaml")
    assert "image: localhost/perennial-flights-data:abc #" in file.read_text()
    assert isinstance(acted.view, Quiet)
    assert acted.view.lines == ["kubectl apply -f examples/flights/data.yaml"]


def test_an_address_that_nobody_listens_at_does_not_answer(tmp_path: Path) -> None:
    assert not stage(tmp_path).answers("{}")
