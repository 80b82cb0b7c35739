from __future__ import annotations

from typing import Any

import pytest

from perennial.api.trainingrun import Gate
from perennial.controllers.trainingrun.gates import evaluate, gates_finding


def gate(metric: str = "roc_auc", **bound: Any) -> Gate:
    return Gate.model_validate({"metric": metric, **bound})


@pytest.mark.parametrize(
    ("bound", "value", "passed"),
    [
        ({"min": "0.8"}, "0.8", True),
        ({"min": "0.8"}, "0.799999", False),
        ({"min": "800m"}, "0.81", True),
        ({"max": "0.3"}, "0.3", True),
        ({"max": "0.3"}, "0.300001", False),
        ({"max": "-1"}, "-2", True),
        ({"min": "1e2"}, "99", False),
        ({"min": "0"}, "1e400", True),
    ],
)
def test_a_bound(bound: dict[str, str], value: str, passed: bool) -> None:
    (result,) = evaluate([gate(**bound)], {"roc_auc": value})
    assert result.passed is passed
    assert value in result.message


def test_a_metric_that_was_not_computed_fails() -> None:
    (result,) = evaluate([gate(min="0.8")], {"accuracy": "1"})
    assert not result.passed
    assert "evaluation.metrics" in result.message


def test_the_condition_names_every_gate_that_failed() -> None:
    gates = [gate("a", min="1"), gate("b", max="1"), gate("c", min="0")]
    finding = gates_finding(evaluate(gates, {"a": "0", "b": "2", "c": "5"}))
    assert (finding.status, finding.reason) == ("False", "GateFailed")
    assert finding.message == "a of 0 is below the minimum of 1. b of 2 is above the maximum of 1."


def test_all_passed() -> None:
    finding = gates_finding(evaluate([gate(min="0.8")], {"roc_auc": "0.9"}))
    assert (finding.status, finding.reason) == ("True", "AllPassed")
    assert finding.message == "roc_auc of 0.9 is at least 0.8."


def test_no_gates() -> None:
    assert gates_finding(()).reason == "NoGates"
