"""What the schema itself refuses: numbers out of bounds, words that are none, types that are others."""

from __future__ import annotations

from typing import Any

import pytest
from kubernetes.client.exceptions import ApiException

from tests.apiserver.crds.test_rules import RUN, VERSION, Good, Object, evaluation, merged, resources, spec, trainer

# kind, patch, the words of the apiserver's own schema check
OUT_OF_BOUNDS = [
    pytest.param(RUN, spec(activeDeadlineSeconds=0), "should be greater than or equal to 1", id="no time at all"),
    pytest.param(RUN, spec(seed=2**31), "should be less than or equal to 2147483647", id="seed"),
    pytest.param(RUN, evaluation(holdoutPercent=100), "should be less than or equal to 90", id="nothing to train on"),
    pytest.param(RUN, evaluation(gates=[{"metric": "a", "min": "1e999"}]), "in body should match", id="infinite gate"),
    pytest.param(RUN, evaluation(gates=[{"metric": "a", "min": "NaN"}]), "in body should match", id="gate on NaN"),
    pytest.param(RUN, evaluation(gates=[{"metric": "a", "min": 0.9}]), "must be of type string", id="gate as a float"),
    pytest.param(RUN, evaluation(metrics=["roc auc"]), "in body should match", id="metric with a space"),
    pytest.param(RUN, resources(limits={"memory": "-1Gi"}), "in body should match", id="less than no memory"),
    pytest.param(RUN, resources(limits={"memory": "1 Gi"}), "in body should match", id="quantity with a space"),
    pytest.param(RUN, trainer(env=[{"name": "A=B", "value": ""}]), "in body should match", id="variable's bad name"),
    pytest.param(RUN, trainer(logs="Public"), "Unsupported value", id="logs"),
    pytest.param(RUN, spec(data={"uri": "pvc://d/x", "sha256": "abc"}), "should be at least 64 chars", id="digest"),
    pytest.param(VERSION, spec(version=0), "should be greater than or equal to 1", id="version 0"),
    pytest.param(VERSION, spec(approval={"decision": "Yes"}), "Unsupported value", id="decision"),
    pytest.param(VERSION, spec(metrics={"roc_auc": "1e999"}), "in body should match", id="infinite metric"),
]


@pytest.mark.parametrize(("kind", "patch", "words"), OUT_OF_BOUNDS)
def test_out_of_bounds(kinds: Any, good: Good, kind: str, patch: Object, words: str) -> None:
    with pytest.raises(ApiException) as error:
        kinds.create(merged(good(kind), patch))
    assert error.value.status == 422
    assert words in str(error.value.body)
