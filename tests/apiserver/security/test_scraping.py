"""Evidence comes from the gateway: what a tenant's pods export under its names is not taken for it."""

from __future__ import annotations

import json
import re
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from perennial.controllers.modeldeployment.watched import MIRROR
from perennial.core.counting.buckets import Buckets
from perennial.core.counting.family import Wanted
from perennial.core.counting.gateway import GatewayErrors
from perennial.core.counting.pods import PodErrors
from perennial.core.metrics import Metrics
from perennial.core.polling import Grid
from perennial.core.rollout_metrics import RolloutCollector
from perennial.core.sources import MODEL_JOB, gateway_families, mlserver_families
from perennial.ports.kube import KubeClient
from perennial.ports.prometheus import HttpPrometheus
from tests.apiserver.security.exporters import SCRAPE, Exporter, prometheus
from tests.apiserver.support import Kubectl, eventually

GATEWAY = "envoy-gateway-system"
CLUSTER = 'envoy_cluster_name="service/victim/m-1-predictor/80/http"'
COPIES = 'envoy_cluster_name="httproute/victim/late/rule/0-mirror-0"'
TRUE = f"envoy_cluster_upstream_rq_total{{{CLUSTER}}} 834\nenvoy_cluster_upstream_rq_total{{{COPIES}}} 12\n"
FORGED = (
    f'envoy_cluster_upstream_rq_total{{{CLUSTER},isvc_namespace="victim",isvc="m-1",job="perennial-gateway"}} 666\n'
    f'envoy_cluster_upstream_rq_xx{{{CLUSTER},isvc_namespace="victim",isvc="m-1",envoy_response_code_class="5"}} 666\n'
    'perennial_leader 666\nown_loss{isvc_namespace="victim",isvc="m-1"} 0.5\n'
)


def exporters(namespace: str) -> list[Exporter]:
    ours = {"perennial.dev/controller": "TrainingRun", "scrape": "true"}
    envoy = {"app.kubernetes.io/name": "envoy"}
    perennial = {"app.kubernetes.io/name": "perennial", "scrape": "true"}
    isvc = {"serving.kserve.io/inferenceservice": "own"}
    return [
        Exporter(GATEWAY, "envoy", "127.77.0.1", 19001, TRUE, envoy),
        Exporter(namespace, "envoy", "127.77.0.2", 19001, FORGED, envoy | {"scrape": "true"}),
        Exporter(namespace, "training", "127.77.0.3", 18080, FORGED, ours),
        Exporter(namespace, "operator", "127.77.0.4", 18080, FORGED, perennial),
        Exporter(namespace, "server", "127.77.0.5", 18080, FORGED, isvc, "kserve-container"),
    ]


@pytest.fixture
async def scraped(secured: Kubectl, admin: KubeClient, namespace: str, tmp_path: Path) -> str:
    """The URL of a Prometheus that has read all of them twice at least."""
    for each in exporters(namespace):
        await each.exists(admin)
    return namespace


@contextmanager
def reading(namespace: str, kubectl: Kubectl, directory: Path) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with ExitStack() as stack:
        for each in exporters(namespace):
            stack.enter_context(each.answering())
        yield stack.enter_context(prometheus(directory, kubectl.kubeconfig, port))


async def test_no_tenant_can_forge_what_the_gateway_counts(scraped: str, secured: Kubectl, tmp_path: Path) -> None:
    with reading(scraped, secured, tmp_path) as url:
        # A user's own job has read all the forged series, and our jobs what is theirs.
        await eventually(_read(url, "perennial_leader", 3), "the user's own job reads", 60)
        await eventually(_read(url, 'own_loss{job=~"perennial-.*"}', 2), "our jobs read", 60)
        await eventually(_read(url, 'envoy_cluster_upstream_rq_total{job="perennial-gateway"}', 2), "the gateway", 60)
        source = HttpPrometheus(url)
        taken = await source.query(GatewayErrors(Grid().job).query(60, Wanted()), time.time())
        for query in every_query():
            await source.query(query, time.time())
        source.close()
        counted = {each.labels["isvc"]: {value for _, value in each.samples} for each in taken}
        assert counted == {"m-1": {834}, f"late{MIRROR}": {12}}
        assert {(each.labels["namespace"], each.labels["isvc_namespace"]) for each in taken} == {(GATEWAY, "victim")}
        of_jobs = _query(url, '{job=~"perennial.*",__name__=~"envoy_.*|perennial_.*"}')
        assert {(each["job"], each["pod"], each["namespace"]) for each in of_jobs} == {
            ("perennial-gateway", "envoy", GATEWAY)
        }
        losses = {each["job"]: each for each in _query(url, 'own_loss{job=~"perennial-.*"}')}
        assert losses["perennial-models"]["isvc_namespace"] == scraped
        assert losses["perennial-models"]["isvc"] == "own"
        assert "isvc" not in losses["perennial-training"]
        assert "victim" not in str(losses)


def every_query() -> Iterator[str]:
    """The forms of all queries, which the fake of unit tests answers too: for everybody, by name, at a distance."""
    some = Wanted((("victim", "m-1"), ("own", "m-2")))
    for families in (gateway_families(Grid().job), mlserver_families(MODEL_JOB)):
        for family in families.values():
            for wanted in (Wanted(), some):
                yield family.query(60, wanted)
                yield f"{family.query(3600, wanted).removesuffix(']')}:60s]"
    latency = gateway_families(Grid().job)["latency"]
    assert isinstance(latency, Buckets)
    yield latency.query(60, Wanted(edges=latency.labels_of(25.0)))
    yield PodErrors(Grid().job).query(60, some)


def _read(url: str, query: str, count: int):  # type: ignore[no-untyped-def]
    async def enough() -> bool:
        try:
            return len(_query(url, query)) >= count
        except (urllib.error.URLError, OSError):
            return False

    return enough


def _query(url: str, query: str) -> list[dict[str, str]]:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"{url}/api/v1/query?query={urllib.request.quote(query)}", timeout=5) as answer:
        return [each["metric"] for each in json.load(answer)["data"]["result"]]


def test_every_series_of_the_operator_is_kept_from_tenants() -> None:
    """The names that are dropped from other pods are all that the operator has."""
    metrics = Metrics()
    metrics.registry.register(RolloutCollector(list))
    names = {family.name for family in text_string_to_metric_families(metrics.render().decode())}
    jobs = {job["job_name"]: job for job in yaml.safe_load(SCRAPE.read_text())["scrape_configs"]}
    assert len(names) > 8
    for job in ("perennial-models", "perennial-training"):
        (drop,) = (rule for rule in jobs[job]["metric_relabel_configs"] if rule["action"] == "drop")
        assert not [name for name in names if not re.fullmatch(drop["regex"], name)]


def test_the_job_that_is_asked_for_is_the_one_of_the_manifests() -> None:
    jobs = yaml.safe_load(SCRAPE.read_text())["scrape_configs"]
    gateways = [job for job in jobs if job["job_name"] == Grid().job]
    assert [each["namespaces"]["names"] for each in gateways[0]["kubernetes_sd_configs"]] == [[GATEWAY]]
    assert not [job for job in jobs if job.get("honor_labels")]
