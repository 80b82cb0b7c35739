"""What the apiserver refuses of a strategy, of what follows a promotion and of a word about a gate."""

from __future__ import annotations

from typing import Any

import pytest
from kubernetes.client.exceptions import ApiException

from tests.apiserver.crds.test_rules import DEPLOYMENT, STRATEGY, Good, Object, merged, rollout, spec


def strategy(**fields: Any) -> Object:
    return spec(strategy=fields)


def canary(**fields: Any) -> Object:
    return strategy(canary=fields)


def gated(gate: str) -> Object:
    return canary(steps=[{"weight": 5, "gate": gate}])


# patch, the sentence
REFUSED = [
    pytest.param(strategy(), STRATEGY, id="none"),
    pytest.param(strategy(blueGreen={}, shadow={"percent": 5}), STRATEGY, id="two"),
    pytest.param(strategy(canary={}, blueGreen={}, shadow={"percent": 5}, recreate={}), STRATEGY, id="all"),
    pytest.param(canary(steps=[]), "should have at least 1 items", id="no steps"),
    pytest.param(gated("Automatic"), 'supported values: "Manual"', id="a gate that is none"),
    pytest.param(canary(weight=101), "should be less than or equal to 100", id="more than all"),
    pytest.param(canary(weight=-1), "should be greater than or equal to 0", id="less than nothing"),
    pytest.param(canary(replicas="Half"), "should match '^(Full|Proportional)$'", id="a number of pods in words"),
    pytest.param(canary(replicas=0), "should be greater than or equal to 1", id="no pods"),
    pytest.param(strategy(blueGreen={"previewSeconds": -1}), "should be greater than or equal to 0", id="preview"),
    pytest.param(strategy(shadow={}), "strategy.shadow.percent: Required value", id="a shadow of nothing"),
    pytest.param(strategy(shadow={"percent": 0}), "should be greater than or equal to 1", id="no copies"),
    pytest.param(strategy(shadow={"percent": 101}), "should be less than or equal to 100", id="too many copies"),
    pytest.param(spec(bake={"holdbackPercent": 50}), "should be less than or equal to 49", id="half held back"),
    pytest.param(spec(bake={"seconds": 604801}), "should be less than or equal to 604800", id="a bake of a week"),
    pytest.param(rollout(advance="abc"), "spec.rollout.advance in body should match", id="a revision without a step"),
    pytest.param(rollout(advance="abc/-1"), "spec.rollout.advance in body should match", id="a step before the first"),
    pytest.param(rollout(advance="Abc/1"), "spec.rollout.advance in body should match", id="no revision"),
]
TAKEN = [
    pytest.param(canary(weight=0, replicas=3), id="a canary without requests"),
    pytest.param(canary(weight=100, replicas="Proportional"), id="a canary with all requests"),
    pytest.param(gated("Manual"), id="a gate"),
    pytest.param(strategy(blueGreen={}), id="blue-green"),
    pytest.param(strategy(shadow={"percent": 100, "gate": "Manual"}), id="a shadow of everything"),
    pytest.param(strategy(recreate={}), id="recreate"),
    pytest.param(spec(bake={"seconds": 0}), id="no bake"),
    pytest.param(spec(bake={"holdbackPercent": 49}), id="nearly half held back"),
    pytest.param(rollout(advance="k3x9/10"), id="an open gate"),
]


@pytest.mark.parametrize(("patch", "sentence"), REFUSED)
def test_refused(kinds: Any, good: Good, patch: Object, sentence: str) -> None:
    with pytest.raises(ApiException) as error:
        kinds.create(merged(good(DEPLOYMENT), patch))
    assert error.value.status == 422
    assert sentence in str(error.value.body).replace("\\", "")


@pytest.mark.parametrize("patch", TAKEN)
def test_taken(kinds: Any, good: Good, patch: Object) -> None:
    kinds.create(merged(good(DEPLOYMENT), patch))
