"""A model that answers every request, and takes its time, is rolled back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import yaml

from demo.kubectl import Kubectl
from demo.load import Load
from demo.scene import Scene
from demo.stage import EXAMPLES
from demo.traffic import Traffic
from tests.e2e.conftest import RATE, Told

RUN = "slow"
ERRORS = {"name": "errors", "tolerance": "0.01"}
LATENCY = {"name": "latency", "tolerance": "0.05"}


def test_a_slow_model_is_rolled_back_though_it_answers_everybody(told: Told) -> None:
    stage = told.stage
    with (
        compared(stage.kubectl, ERRORS, LATENCY),
        Traffic(Load(stage.url, stage.host, RATE), stage.rows_file) as stage.traffic,
    ):
        before = stage.look()
        assert before.deployment.stable is not None
        stage.kubectl.apply(json.dumps(many_trees()))
        scene = stage.follow(lambda scene: ended(scene, before), what="the slow model's rollout ends", seconds=400)
        tally = stage.traffic.stop()
    last = scene.deployment.history[0]
    assert last.outcome == "RolledBack"
    assert "worse than stable in latency" in last.message
    assert scene.deployment.stable is not None
    assert scene.deployment.stable.version == before.deployment.stable.version
    assert scene.deployment.analysis is not None
    notes = {each.name: each.note or "" for each in scene.deployment.analysis.metrics}
    assert "learned from stable" in notes["latency"]
    assert tally.lost_total == 0
    assert {status for answers in tally.answers.values() for status in answers} == {200}


def ended(scene: Scene, before: Scene) -> bool:
    """Whether a rollout is over that was not when this began."""
    return scene.deployment.history[:1] != before.deployment.history[:1] and scene.deployment.canary is None


@contextmanager
def compared(kubectl: Kubectl, *metrics: dict[str, str]) -> Iterator[None]:
    """The deployment is compared on these, and afterwards as before."""
    found = kubectl.get("modeldeployment", "flights")
    assert found is not None
    was = {key: found["spec"].get(key) for key in ("version", "follow", "analysis")}
    # A chapter before this one may have pinned a version.
    patch(kubectl, {"version": None, "follow": "LatestApproved", "analysis": {"metrics": metrics}})
    try:
        yield
    finally:
        patch(kubectl, was)


def patch(kubectl: Kubectl, spec: dict[str, Any]) -> None:
    kubectl("patch", "modeldeployment", "flights", "--type=merge", "-p", json.dumps({"spec": spec}))


def many_trees() -> dict[str, Any]:
    """A run whose model asks a thousand trees about every flight."""
    run: dict[str, Any] = yaml.safe_load((EXAMPLES / "v1.yaml").read_text())
    run["metadata"]["name"] = RUN
    run["spec"]["trainer"]["estimator"]["name"] = "RandomForestClassifier"
    run["spec"]["trainer"]["params"] = {"n_estimators": "1000", "max_depth": "6"}
    run["spec"]["evaluation"]["gates"] = []
    return run
