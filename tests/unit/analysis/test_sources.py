"""The file of sources: what its owner may write, who may use it, and what is said of mistakes."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from perennial.core import connecting, source_file
from perennial.core.analysis import Analysis
from perennial.core.analysis_types import Counted
from perennial.core.counting.family import Wanted
from perennial.core.counting.ratio import Ratio
from perennial.core.settings import Settings
from perennial.core.sources import Source, Sources, source_of
from perennial.ports.prometheus_fake import RecordingPrometheus
from perennial.rollout.evalue import Counts

from .world import GRID, World, steady, watched

WHO = 'reporter="destination",ns="{namespace}",destination_service_name="{service}"'
ISTIO = """
default: mesh
sources:
- name: mesh
  preset: Custom
  url: https://prometheus.istio-system:9090
  namespaces: [flights]
  errors:
    total: istio_requests_total{WHO}
    bad: istio_requests_total{WHO,response_code!~"2.."}
    failed: istio_requests_total{WHO,response_code=~"5.."}
  latency:
    buckets: istio_request_duration_milliseconds_bucket{WHO}
    unit: milliseconds
- name: servers
  preset: MLServer
  url: http://prometheus.monitoring:9090
  metrics:
    refused:
      total: answers_total{isvc_namespace="{namespace}",isvc="{inferenceService}"}
      bad: answers_total{isvc_namespace="{namespace}",isvc="{inferenceService}",refused="yes"}
""".replace("WHO", WHO)


def written(directory: Path, text: str) -> str:
    path = directory / "sources.yaml"
    path.write_text(text)
    return str(path)


def settings(path: str | None, **more: object) -> Settings:
    values = {"trainer_image": "t", "namespace": "n", "pod_name": "p", "sources_file": path, **more}
    return Settings.model_validate(values)


def test_a_file_of_sources(tmp_path: Path) -> None:
    sources = connecting.sources(settings(written(tmp_path, ISTIO)))
    assert sorted(sources.by_name) == ["", "mesh", "servers"]
    assert sources.by_name[""] is sources.by_name["mesh"]
    assert sorted(sources.by_name["servers"].families) == ["errors", "refused"]
    assert connecting.gateway(settings(written(tmp_path, ISTIO))) is None


def test_the_plain_settings_are_the_default_source(tmp_path: Path) -> None:
    plain = settings(written(tmp_path, ISTIO.replace("default: mesh\n", "")), prometheus_url="http://p:9090")
    sources = connecting.sources(plain)
    assert sorted(sources.by_name[""].families) == ["errors", "latency"]
    found = connecting.gateway(plain)
    assert found is not None
    assert found.url == "http://p:9090"
    assert connecting.sources(settings(None)).by_name == {}


@pytest.mark.parametrize(
    ("name", "namespace", "metric", "said"),
    [
        ("", "flights", "errors", None),
        ("servers", "anywhere", "refused", None),
        (
            "else",
            "flights",
            "errors",
            "has no source of metrics called else; spec.analysis may name the sources mesh, servers.",
        ),
        ("mesh", "other", "errors", "mesh is not for the namespace other; spec.analysis may name the sources servers."),
        (
            "servers",
            "flights",
            "latency",
            "servers does not count latency; spec.analysis may name the metrics errors, refused.",
        ),
    ],
)
def test_what_a_tenant_may_name(tmp_path: Path, name: str, namespace: str, metric: str, said: str | None) -> None:
    sources = connecting.sources(settings(written(tmp_path, ISTIO)))
    problem = sources.problem(name, namespace, [Counted(metric)])
    assert problem is None if said is None else problem is not None and problem.endswith(said)


def test_without_a_default_a_source_must_be_named() -> None:
    source = Source("mesh", RecordingPrometheus(), RecordingPrometheus(), {})
    problem = Sources({"mesh": source}).problem("", "flights", [])
    assert problem == "The operator has no default source of metrics; spec.analysis may name the sources mesh."


async def test_a_rollout_that_names_what_is_not_there_holds_and_says_so() -> None:
    world, told = World(steady()), list[str]()
    source = Source("mesh", world.prometheus, world.prometheus, {})
    analysis: Analysis[str] = Analysis(Sources({"mesh": source}), world, GRID, told.append)
    analysis.track(watched(world, source="else"))
    await analysis.poll()
    reading = analysis.read("m")
    assert reading is not None
    assert (reading.reason, reading.first_step) == ("MetricsUnavailable", None)
    assert "no source of metrics called else" in reading.message
    assert told == ["m"]
    assert world.prometheus.queries == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("preset: Custom", "preset: Grafana"), "sources.0.preset"),
        (("url: https", "url: ftp"), "sources.0.url"),
        (("default: mesh", "default: else"), "default is 'else', which is none of the sources"),
        (("name: servers", "name: mesh"), "two sources called mesh"),
        (("preset: Custom", "preset: EnvoyGateway"), "errors and latency are defined by the preset EnvoyGateway"),
        (("refused:", "latency:"), "errors and latency are not among metrics"),
        (('ns="{namespace}",destination', "destination"), "must name whose samples it means"),
        (("total: istio", "total: rate(istio"), "is no selector"),
        (("preset: MLServer", "preset: Custom\n  job: mine"), "preset Custom has its job in its selectors"),
        (("namespaces:", "namespace:"), "Extra inputs are not permitted"),
        (("sources:", "sources: ["), "cannot be read"),
    ],
)
def test_mistakes_in_the_file_are_told_at_the_start(tmp_path: Path, change: tuple[str, str], said: str) -> None:
    path = written(tmp_path, ISTIO.replace(*change, 1))
    with pytest.raises(ValidationError) as refused:
        settings(path)
    assert said in str(refused.value)
    assert path in str(refused.value)


def test_two_defaults_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="are two: set one of them"):
        settings(written(tmp_path, ISTIO), prometheus_url="http://p:9090")


def test_istio_is_one_query_and_three_counts(tmp_path: Path) -> None:
    definition = source_file.read(written(tmp_path, ISTIO)).sources[0]
    family = source_of(definition, lambda _: RecordingPrometheus(), "job").families["errors"]
    assert isinstance(family, Ratio)
    assert family.query(5, Wanted()).count("istio_requests_total") == 1
    base = {"reporter": "destination", "ns": "flights", "destination_service_name": "m-1-predictor", "pod": "m-1-x"}
    series = [
        ({"__name__": "istio_requests_total", **base, "response_code": code}, [(0.0, 0.0), (5.0, count)])
        for code, count in (("200", 90.0), ("404", 7.0), ("503", 3.0))
    ]
    assert {family.owner(labels) for labels, _ in series} == {("flights", "m-1")}
    scrapes = family.collect(series)
    assert len(scrapes) == 3, "each series is counted by itself"
    tally = family.tally({"total": 100.0, "bad": 10.0, "failed": 3.0}, None)
    assert tally == (Counts(100, 10), Counts(100, 3))
