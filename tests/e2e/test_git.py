"""Git was applied every few seconds, client-side and server-side, while version 2 became a canary and was promoted."""

from __future__ import annotations

import json

from tests.e2e.conftest import Told
from tests.e2e.git import INSTANCE, SECONDS, TRACKING

MADE = (
    "modelversions,inferenceservices,servingruntimes,httproutes,controllerrevisions,jobs,deployments,replicasets,"
    "services,pods,endpointslices,events"
)


def test_it_was_applied_again_and_again(told: Told) -> None:
    assert told.git.rounds >= 3, f"every {SECONDS} s"


def test_no_apply_was_refused_and_there_was_never_a_difference(told: Told) -> None:
    assert told.git.problems == []


def test_it_changed_nothing(told: Told) -> None:
    before, after = told.generations
    assert before == after


def test_nothing_that_was_made_would_be_pruned(told: Told) -> None:
    found = json.loads(told.stage.kubectl("get", MADE, "-o", "json"))["items"]
    assert {each["kind"] for each in found} >= {"InferenceService", "HTTPRoute", "ModelVersion", "Pod", "Deployment"}
    tracked = [
        f"{each['kind']} {each['metadata']['name']}"
        for each in found
        if TRACKING in each["metadata"].get("annotations", {})
        or each["metadata"].get("labels", {}).get(INSTANCE) == "flights"
    ]
    assert tracked == []
