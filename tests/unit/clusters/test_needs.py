"""What is said of a cluster that is not ours: a sentence for each thing that is missing, with what to do."""

from dataclasses import replace

import pytest

from clusters.looking import proxied
from clusters.needs import ENVOY_GATEWAY, GATEWAY_API, KSERVE, Found, lacking

WHOLE = Found(
    context="mine",
    kinds=frozenset({*KSERVE, *GATEWAY_API, ENVOY_GATEWAY}),
    gateways=("infra/gw",),
    merged=True,
    prometheus="http://prometheus.monitoring:9090",
)


def test_nothing_is_said_of_a_cluster_that_has_it_all() -> None:
    assert lacking(WHOLE) == []


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (Found(), [["no current context", "KUBECONFIG"]]),
        (Found("mine", silence="connection refused"), [["mine", "does not answer", "connection refused"]]),
        (replace(WHOLE, kinds=WHOLE.kinds - {KSERVE[0]}), [["KServe", KSERVE[0], "install"]]),
        (replace(WHOLE, kinds=frozenset(KSERVE), gateways=(), merged=False), [["Gateway API", "Envoy Gateway 1.9"]]),
        (replace(WHOLE, kinds=WHOLE.kinds - {ENVOY_GATEWAY}), [["Envoy Gateway is missing", "1.9"]]),
        (replace(WHOLE, gateways=()), [["No Gateway is Programmed", "apply one"]]),
        (replace(WHOLE, merged=False), [["mergeBackends"]]),
        (replace(WHOLE, prometheus=""), [["PERENNIAL_PROMETHEUS_URL"]]),
        (replace(WHOLE, deaf="no endpoints available"), [["http://prometheus.monitoring:9090", "no endpoints"]]),
        (replace(WHOLE, kinds=frozenset(), prometheus=""), [["KServe"], ["Gateway API"], ["Prometheus"]]),
    ],
)
def test_each_thing_that_is_missing_has_a_sentence(found: Found, words: list[list[str]]) -> None:
    sentences = lacking(found)
    assert len(sentences) == len(words)
    for sentence, expected in zip(sentences, words, strict=True):
        assert [word for word in expected if word not in sentence] == []


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("http://prometheus.monitoring:9090", "/api/v1/namespaces/monitoring/services/http:prometheus:9090/proxy"),
        ("https://p.m.svc.cluster.local:443/x/", "/api/v1/namespaces/m/services/https:p:443/proxy/x"),
        ("https://prometheus.example.com", ""),
        ("http://10.0.0.1:9090", ""),
    ],
)
def test_a_prometheus_behind_a_service_is_asked_through_the_apiserver(url: str, path: str) -> None:
    assert proxied(url) == (path and f"{path}/-/ready")
