"""Properties of the primitive, and its values by hand."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perennial.rollout import evalue
from perennial.rollout.evalue import Comparison, Counts, Line, Null

rates = st.floats(1e-6, 0.98)
counts = st.integers(0, 2000).flatmap(lambda n: st.builds(Counts, st.just(n), st.integers(0, n)))
lines = st.builds(Line, st.sampled_from([0.0, 1e-4, 0.005, 0.05, 0.4]), st.sampled_from(list(Null)))


@settings(max_examples=300, deadline=None)
@given(lines, counts, counts, rates, rates, st.floats(1, 20))
def test_finite_and_one_without_requests(
    line: Line, canary: Counts, stable: Counts, theta_c: float, theta_s: float, phi: float
) -> None:
    log_e = evalue.log_evidence(line, Comparison(canary, stable), theta_c, theta_s, phi)
    assert math.isfinite(log_e)
    assert math.isfinite(evalue.tempered(log_e, phi))
    if canary.n == 0 or stable.n == 0:
        assert log_e == 0.0


@settings(max_examples=300, deadline=None)
@given(lines, st.integers(1, 500), st.integers(1, 500), rates, rates, st.floats(1, 20), st.data())
def test_monotone_in_bad_requests(
    line: Line, n_c: int, n_s: int, theta_c: float, theta_s: float, phi: float, data: st.DataObject
) -> None:
    x_c, x_s = data.draw(st.integers(0, n_c - 1)), data.draw(st.integers(0, n_s - 1))

    def log_e(more_c: int, more_s: int) -> float:
        both = Comparison(Counts(n_c, x_c + more_c), Counts(n_s, x_s + more_s))
        return line.null.value * evalue.log_evidence(line, both, theta_c, theta_s, phi)

    assert log_e(1, 0) >= log_e(0, 0) - 1e-9
    assert log_e(0, 1) <= log_e(0, 0) + 1e-9


@settings(max_examples=300, deadline=None)
@given(lines, st.integers(1, 5000), st.integers(1, 5000), rates, rates)
def test_the_null_point_is_the_nearest(line: Line, n_c: int, n_s: int, theta_c: float, theta_s: float) -> None:
    q = evalue.nearest_null(line, n_c, n_s, theta_c, theta_s)
    if q is None:
        return

    def slope(q: float) -> float:
        r = line.a + q
        return n_s * (q - theta_s) / (q * (1 - q)) + n_c * (r - theta_c) / (r * (1 - r))

    step = 1e-9 + abs(theta_c - line.a - theta_s) * 2.0**-evalue.BISECTIONS
    if q > 2 * step and line.a + q + step < 1:
        assert slope(q - step) <= 0 <= slope(q + step)


def test_the_pooled_mean_and_wald_by_hand() -> None:
    """a = 0: q is the pooled mean of the alternative, and both factors are likelihood ratios to it."""
    line = Line(0.0, Null.AT_MOST)
    assert evalue.nearest_null(line, 100, 300, 0.05, 0.01) == pytest.approx(0.02)
    both = Comparison(Counts(100, 4), Counts(300, 3))
    by_hand = (
        4 * math.log(0.05 / 0.02) + 96 * math.log(0.95 / 0.98) + 3 * math.log(0.01 / 0.02) + 297 * math.log(0.99 / 0.98)
    )
    assert evalue.log_evidence(line, both, 0.05, 0.01) == pytest.approx(by_hand, abs=1e-12)


def test_no_request_costs_more_than_the_smallest_factor() -> None:
    line = Line(0.0, Null.AT_LEAST)
    for both in (Comparison(Counts(1, 1), Counts(1, 0)), Comparison(Counts(1, 0), Counts(1, 0))):
        assert evalue.log_evidence(line, both, 1e-6, 0.98) >= 2 * math.log(evalue.MIN_FACTOR) - 1e-9


def test_bursts_cap_what_one_bad_request_can_do() -> None:
    line = Line(0.001, Null.AT_MOST)

    def gain(phi: float) -> float:
        def log_e(bad: int) -> float:
            return evalue.log_evidence(line, Comparison(Counts(100, bad), Counts(900, 1)), 0.5, 0.001, phi)

        return log_e(1) - log_e(0)

    assert gain(1.0) > math.log(15)
    # Against a good request, which multiplies by a little less than 1.
    assert gain(2.0) <= math.log(4) + 0.2


def test_nothing_is_bet_on_the_wrong_side() -> None:
    both = Comparison(Counts(50, 20), Counts(50, 1))
    assert evalue.log_evidence(Line(0.3, Null.AT_MOST), both, 0.1, 0.1) == 0.0
    assert evalue.log_evidence(Line(0.0, Null.AT_LEAST), both, 0.4, 0.1) == 0.0


@settings(deadline=None)
@given(st.floats(-1e4, 1e4), st.floats(1, 30))
def test_tempering(log_e: float, phi: float) -> None:
    tempered = evalue.tempered(log_e, phi)
    assert tempered >= math.log(0.05) - 1e-12
    if abs(log_e) < 500:
        assert tempered == pytest.approx(math.log(0.05 + 0.95 * math.exp(log_e / phi)), abs=1e-9)


def test_the_absolute_bound_needs_no_stable() -> None:
    expected = 3 * math.log(0.2 / 0.1) + 7 * math.log(0.8 / 0.9)
    assert evalue.log_evidence_bound(0.1, Counts(10, 3), 0.2) == pytest.approx(expected)
    assert evalue.log_evidence_bound(0.1, Counts(0, 0), 0.2) == 0.0
    assert evalue.log_evidence_bound(0.1, Counts(10, 3), 0.05) == 0.0
