"""The operator's leader is killed, as the kernel kills: not told, not waited for."""

from __future__ import annotations

import json
from typing import Any

import yaml

from demo import story
from demo.load import Load
from demo.scene import Scene
from demo.stage import EXAMPLES, Stage
from demo.traffic import Traffic
from perennial.controllers.labels import CONTROLLER, NAME
from tests.e2e.conftest import Told
from tests.e2e.leader import TAKE_OVER_SECONDS, Operators

RUN = "once"


def test_the_operator_is_killed_in_the_middle_of_a_training_run_and_of_a_canary(told: Told) -> None:
    stage = told.stage
    operators = Operators(stage.kubectl)
    operators.wait_ready()
    with Traffic(Load(stage.url, stage.host, stage.rate), stage.rows_file) as stage.traffic:
        version = trained(stage, operators)
        spec = {"spec": {"follow": None, "version": version}}
        stage.kubectl("patch", "modeldeployment", "flights", "--type=merge", "-p", json.dumps(spec))
        stage.follow(lambda scene: _weight(scene, version) >= 25, what="a quarter of the requests", seconds=180)
        killed(stage, operators, "a canary")
        scene = stage.follow(lambda scene: _stable(scene) == version, what="the new version takes over", seconds=180)
        tally = stage.traffic.stop()
    assert story.outcome(scene, version) == "Promoted"
    assert [each.version for each in scene.deployment.history].count(version) == 1
    assert tally.lost_total == 0
    assert tally.finished == tally.sent > 0


def trained(stage: Stage, operators: Operators) -> int:
    """The number of the version that a run made whose operator was killed while it trained."""
    stage.kubectl.apply(json.dumps(run_like_v2()))
    stage.follow(lambda _: _training(stage), what="the pod of the run runs", seconds=60)
    killed(stage, operators, "a training run")
    scene = stage.follow(lambda scene: _succeeded(scene), what="the run succeeds", seconds=120)
    made = [number for number, version in scene.versions.items() if _run_of(version.spec.training_run_ref) == RUN]
    assert len(made) == 1
    assert len(_jobs(stage)) == 1
    return made[0]


def killed(stage: Stage, operators: Operators, what: str) -> None:
    """The leader is gone, and within the limit another works."""
    seconds = operators.kill_leader()
    stage.view.say(f"   killed in the middle of {what}: another leads after {seconds:.1f} s")
    assert seconds <= TAKE_OVER_SECONDS


def run_like_v2() -> dict[str, Any]:
    """A training run like v2's under another name and with another seed."""
    run: dict[str, Any] = yaml.safe_load((EXAMPLES / "v2.yaml").read_text())
    run["metadata"]["name"] = RUN
    run["spec"]["seed"] = 99
    return run


def _jobs(stage: Stage) -> list[dict[str, Any]]:
    return stage.kubectl.list("jobs", "-l", f"{CONTROLLER}=TrainingRun,{NAME}={RUN}")


def _training(stage: Stage) -> bool:
    return any(each.get("status", {}).get("ready", 0) for each in _jobs(stage))


def _succeeded(scene: Scene) -> bool:
    conditions = scene.runs[RUN].conditions
    return any(each.type == "Succeeded" and each.status == "True" for each in conditions)


def _run_of(reference: Any) -> str:
    return reference.name if reference else ""


def _weight(scene: Scene, version: int) -> int:
    canary = scene.deployment.canary
    return canary.weight if canary and canary.version == version else 0


def _stable(scene: Scene) -> int:
    stable = scene.deployment.stable
    return stable.version if stable and scene.condition("UpToDate")[0] == "True" else 0
