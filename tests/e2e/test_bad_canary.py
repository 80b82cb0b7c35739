"""A canary that answers 400 to everyone is rolled back."""

from __future__ import annotations

import json
from typing import Any

import yaml

from demo import story
from demo.load import Load
from demo.stage import EXAMPLES
from demo.traffic import Traffic
from tests.e2e.conftest import Told


def test_a_version_that_needs_a_column_nobody_sends_is_rolled_back(told: Told) -> None:
    stage = told.stage
    with Traffic(Load(stage.url, stage.host, stage.rate), stage.rows_file) as stage.traffic:
        stage.kubectl.apply(json.dumps(needs_one_more_column()))
        scene = stage.follow(
            lambda scene: story.outcome(scene, 4) == "RolledBack", what="v4 is rolled back", seconds=240
        )
        tally = stage.traffic.stop()
    assert scene.deployment.stable is not None
    assert scene.deployment.stable.version == 2
    assert stage.record.errors(4, tally) == stage.record.served(4, tally) > 0
    assert stage.record.errors(2, tally) == 0
    assert tally.lost_total == 0


def needs_one_more_column() -> dict[str, Any]:
    """A run like v2's whose model also wants the scheduled minute, which the training data has and clients do not."""
    run: dict[str, Any] = yaml.safe_load((EXAMPLES / "v2.yaml").read_text())
    run["metadata"]["name"] = "one-more-column"
    run["spec"]["trainer"]["estimator"]["numeric"].append("minute")
    return run
