"""The expectation of the evidence under the null, by enumeration of every outcome."""

from __future__ import annotations

import itertools
import math

import pytest

from perennial.rollout import evalue
from perennial.rollout.evalue import Comparison, Counts, Line, Null

LINES = [(0.0, 1.0), (0.001, 1.0), (0.05, 1.0), (0.3, 1.0), (0.02, 1.5), (0.0, 0.8)]
SIZES = [(1, 1), (1, 7), (6, 2), (5, 5)]
RATES = [0.0, 1e-6, 0.01, 0.2, 0.5, 0.9, 1.0]
THETAS = [(0.02, 0.01), (0.5, 0.1), (0.98, 1e-6), (0.1, 0.1), (0.01, 0.3)]


def pmf(n: int, k: int, p: float) -> float:
    return math.comb(n, k) * p**k * (1 - p) ** (n - k)


def outcomes(n_c: int, n_s: int) -> list[Comparison]:
    return [
        Comparison(Counts(n_c, x_c), Counts(n_s, x_s)) for x_c, x_s in itertools.product(range(n_c + 1), range(n_s + 1))
    ]


def expectation(evidence: dict[Comparison, float], p_c: float, p_s: float) -> float:
    return math.fsum(
        pmf(both.canary.n, both.canary.bad, p_c) * pmf(both.stable.n, both.stable.bad, p_s) * e
        for both, e in evidence.items()
    )


def null_points(line: Line) -> list[tuple[float, float]]:
    """The line itself and points behind it, inside the unit square."""
    points = [(line.a + line.b * p, p) for p in RATES] + list(itertools.product(RATES, RATES))
    sign = line.null.value
    return [(c, s) for c, s in points if 0 <= c <= 1 and sign * (c - line.a - line.b * s) <= 1e-15]


@pytest.mark.parametrize("phi", [1.0, 3.0])
@pytest.mark.parametrize("null", list(Null))
@pytest.mark.parametrize(("a", "b"), LINES)
def test_expectation_under_the_null_is_at_most_one(a: float, b: float, null: Null, phi: float) -> None:
    line = Line(a, null, b)
    worst = 0.0
    for (n_c, n_s), (theta_c, theta_s) in itertools.product(SIZES, THETAS):
        evidence = {
            both: math.exp(evalue.log_evidence(line, both, theta_c, theta_s, phi)) for both in outcomes(n_c, n_s)
        }
        worst = max(worst, *(expectation(evidence, *point) for point in null_points(line)))
    assert worst <= 1 + 1e-12


@pytest.mark.parametrize("q", [0.001, 0.1, 0.4, 0.69])
@pytest.mark.parametrize("null", list(Null))
def test_any_null_point_is_valid(null: Null, q: float) -> None:
    line = Line(0.3, null)
    for theta_c in (0.01, 0.35, 0.9):
        evidence = {both: math.exp(evalue.log_evidence_at(line, both, theta_c, q)) for both in outcomes(4, 5)}
        assert max(expectation(evidence, *point) for point in null_points(line)) <= 1 + 1e-12


@pytest.mark.parametrize("bound", [0.01, 0.2, 0.7])
def test_the_absolute_bound_is_valid(bound: float) -> None:
    for theta_c, p in itertools.product((bound * 1.2, 0.98), (0.0, bound / 2, bound)):
        evidence = [math.exp(evalue.log_evidence_bound(bound, Counts(8, x), theta_c)) for x in range(9)]
        assert math.fsum(pmf(8, x, p) * e for x, e in enumerate(evidence)) <= 1 + 1e-12


def test_tempering_keeps_the_expectation() -> None:
    line = Line(0.0, Null.AT_MOST)
    evidence = {both: math.exp(evalue.tempered(evalue.log_evidence(line, both, 0.4, 0.1))) for both in outcomes(5, 5)}
    assert max(expectation(evidence, *point) for point in null_points(line)) <= 1 + 1e-12


def test_the_enumeration_would_notice_an_untied_bet() -> None:
    """Pooled totals of unequal rates as a plain likelihood ratio are no e-value: the check has teeth."""
    line = Line(0.0, Null.AT_MOST)
    untied = {
        both: (0.4 / 0.1) ** both.canary.bad * (0.6 / 0.9) ** (both.canary.n - both.canary.bad)
        for both in outcomes(5, 5)
    }
    assert max(expectation(untied, *point) for point in null_points(line)) > 1.5
