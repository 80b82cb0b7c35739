"""The same model in a new revision takes over, again and again, its pods restarted in between.

Evidence never goes against a model that is no worse.
"""

from __future__ import annotations

import json

import pytest

from demo import story
from demo.kubectl import until
from demo.load import Load
from demo.scene import Scene
from demo.stage import Stage
from demo.traffic import Traffic
from tests.e2e.conftest import Told


@pytest.mark.parametrize("value", ["first", "second"])
def test_a_changed_environment_is_a_rollout_that_succeeds(told: Told, value: str) -> None:
    stage = told.stage
    before = stage.look().deployment.stable
    assert before is not None
    restart(stage, before.inference_service)
    with Traffic(Load(stage.url, stage.host, stage.rate), stage.rows_file) as stage.traffic:
        serving = {"env": [{"name": "SAME_MODEL", "value": value}]}
        spec = {"follow": None, "version": before.version, "serving": serving}
        stage.kubectl("patch", "modeldeployment", "flights", "--type=merge", "-p", json.dumps({"spec": spec}))
        scene = stage.follow(
            lambda scene: _took_over(scene, before.revision), what="the new revision takes over", seconds=300
        )
        tally = stage.traffic.stop()
    assert story.outcome(scene, before.version) == "Promoted"
    assert tally.lost_total == 0


def restart(stage: Stage, service: str) -> None:
    """Delete the pods of an InferenceService and wait until others answer."""
    label = f"serving.kserve.io/inferenceservice={service}"
    stage.kubectl("delete", "pods", "-l", label, "--wait=true")
    row = stage.rows_file.read_text().splitlines()[0]
    until(lambda: stage.answers(f'{{"instances":[{row}]}}'), what="an answer of the new pods", seconds=60)


def _took_over(scene: Scene, before: str) -> bool:
    stable = scene.deployment.stable
    return stable is not None and stable.revision != before and scene.condition("UpToDate")[0] == "True"
