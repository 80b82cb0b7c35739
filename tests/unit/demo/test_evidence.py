"""Evidence as the operator's metrics say it."""

from __future__ import annotations

import math
from typing import Any

import pytest

from demo.evidence import Evidence, ask, read
from demo.scene import parse
from tests.unit.demo.objects import deployment


def answer(**nats: float) -> dict[str, Any]:
    """What Prometheus answers."""
    return {"data": {"result": [{"metric": {"towards": k}, "value": [0, str(v)]} for k, v in nats.items()]}}


def test_odds_are_the_exponential_of_nats() -> None:
    found = read(answer(advance=math.log(6), rollback=math.log(0.5)))
    assert found is not None
    assert found.advance == pytest.approx(6)
    assert found.rollback == pytest.approx(0.5)


@pytest.mark.parametrize("nats", [{}, {"advance": 1.0}])
def test_without_both_there_is_none(nats: dict[str, float]) -> None:
    assert read(answer(**nats)) is None


def test_they_stand_beside_what_the_spec_asks_for() -> None:
    scene = parse([deployment({}) | {"spec": {"analysis": {"miss": "0.1", "falseRollback": "5m"}}}])
    assert Evidence(6.04, 0.523).beside(scene) == "advance 6.04 of 10, roll back 0.523 of 200"


def test_evidence_without_end_is_a_large_number() -> None:
    found = read(answer(advance=5000.0, rollback=-5000.0))
    assert found is not None
    assert found.beside(parse([])) == "advance 1e+09 of 20, roll back 0 of 100"


@pytest.mark.parametrize("url", ["", "http://127.0.0.1:9"])
def test_a_prometheus_that_is_not_there_is_no_error(url: str) -> None:
    assert ask(url, "flights", "flights") is None
