"""Selectors as an operator's owner writes them."""

from __future__ import annotations

import re

import pytest

from perennial.core.counting.selector import Selector, parse, written

ISTIO = (
    'istio_requests_total{reporter="destination",destination_service="{service}.{namespace}.svc.cluster.local",'
    'response_code=~"5.."}'
)
LABELS = {
    "__name__": "istio_requests_total",
    "reporter": "destination",
    "destination_service": "m-1-predictor.flights.svc.cluster.local",
    "response_code": "503",
}


def test_whose_samples_a_series_has() -> None:
    selector = parse(ISTIO)
    assert selector.matches(LABELS)
    assert selector.owner(LABELS) == ("flights", "m-1")
    assert not selector.matches({**LABELS, "response_code": "200"})
    assert not selector.matches({**LABELS, "__name__": "other"})
    assert selector.owner({**LABELS, "destination_service": "m-1.flights.svc.cluster.local"}) is None
    assert selector.owner({**LABELS, "destination_service": "else"}) is None


def test_mirrored_requests_have_a_name_of_their_own() -> None:
    selector = parse('m_bucket{isvc_namespace="{namespace}",isvc="{inferenceService}"}')
    labels = {"__name__": "m_bucket", "isvc_namespace": "flights", "isvc": "m-2.mirror"}
    assert selector.owner(labels) == ("flights", "m-2.mirror")


def test_a_query_for_everybody_and_one_for_some() -> None:
    selector = parse(ISTIO)
    assert written([selector], ()) == (
        r'{__name__=~"istio_requests_total",reporter="destination",'
        r'destination_service=~".+\\..+\\.svc\\.cluster\\.local",response_code=~"5.."}'
    )
    some = written([selector], (("flights", "m-1"), ("flights", "m-2")))
    assert r"m-1-predictor\\.flights\\.svc" in some
    assert some.count("|") == 1


def test_several_selectors_are_one_query_with_what_they_have_in_common() -> None:
    every = 'r_total{ns="{namespace}",isvc="{inferenceService}"}'
    bad = 'r_total{ns="{namespace}",isvc="{inferenceService}",code!~"2.."}'
    assert written([parse(every), parse(bad)], (("a", "b"),)) == '{__name__=~"r_total",ns=~"a",isvc=~"b"}'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('rate(r_total{ns="{namespace}"}[5m])', "without functions or a range"),
        ("r_total", "must name whose samples it means"),
        ('r_total{service="{service}"}', "must name whose samples it means"),
        ('r_total{ns=~"{namespace}",s="{service}"}', "placeholders go with = only"),
        ('r_total{ns="{namespace}",s="{service}",code=~"5("}', "cannot be read"),
        ('r_total{ns="{namespace}" s="{service}"}', "is no selector from"),
    ],
)
def test_what_is_no_selector_is_refused_with_a_sentence(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        parse(text)


def test_quotes_are_read_and_written_alike() -> None:
    selector = parse(r'm{ns="{namespace}",s="{service}",path="a\"b\\c"}')
    assert isinstance(selector, Selector)
    assert selector.matchers[2].value == 'a"b\\c'
    assert r'path="a\"b\\c"' in written([selector], ())
