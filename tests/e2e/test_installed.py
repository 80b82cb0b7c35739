"""What people find right after the installation."""

from __future__ import annotations

import pytest

from demo.kubectl import Kubectl

KINDS = ("trainingruns", "modelversions", "modeldeployments")


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_is_explained(kubectl: Kubectl, kind: str) -> None:
    told = kubectl("explain", f"{kind}.spec", "--recursive=false")
    assert "DESCRIPTION:" in told
    assert "<no description>" not in told


@pytest.mark.parametrize(
    ("field", "word"),
    [
        ("trainingruns.spec.trainer.estimator.unknownCategories", "training data lacked"),
        ("modelversions.spec.approval.decision", "Approved"),
        ("modeldeployments.spec.strategy.canary.steps.weight", "percent"),
    ],
)
def test_explain_says_what_a_field_does(kubectl: Kubectl, field: str, word: str) -> None:
    assert word in kubectl("explain", field)


def test_the_operator_runs_and_is_ready(kubectl: Kubectl) -> None:
    kubectl("-n", "perennial-system", "wait", "--for=condition=Available", "deployment", "--all", "--timeout=60s")
