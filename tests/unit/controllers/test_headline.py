from __future__ import annotations

from typing import Any

import pytest

from perennial.controllers.headline import headline


@pytest.mark.parametrize(
    ("metrics", "preferred", "text"),
    [
        ({}, [], None),
        ({"roc_auc": "0.9123", "accuracy": "0.8"}, [], "roc_auc=0.912"),
        ({"roc_auc": "0.9123", "accuracy": "0.8"}, ["accuracy"], "accuracy=0.8"),
        ({"zeta": "1", "beta": "2"}, ["absent"], "beta=2"),
        ({"mae": "123456.7"}, [], "mae=123457"),
        ({"mae": "912m"}, [], "mae=0.912"),
        ({"mae": "1e300"}, [], "mae=1e+300"),
    ],
)
def test_the_metric_of_the_column(metrics: Any, preferred: Any, text: str | None) -> None:
    assert headline(metrics, preferred) == text


def test_it_fits_the_column() -> None:
    assert len(headline({"x" * 64: "1"}) or "") == 64
