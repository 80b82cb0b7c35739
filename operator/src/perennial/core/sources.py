"""Sources of metrics: where which metric is counted, and who may use it. Pure, but for building the clients."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from perennial.core.analysis_types import Counted
from perennial.core.counting.buckets import Buckets
from perennial.core.counting.family import Family
from perennial.core.counting.gateway import GatewayErrors
from perennial.core.counting.pods import PodErrors
from perennial.core.counting.ratio import Ratio
from perennial.core.counting.selector import Selector, parse
from perennial.core.progress import Question
from perennial.core.source_file import HistogramDefinition, RatioDefinition, SourceDefinition
from perennial.ports.prometheus_types import PrometheusSource
from perennial.rollout.counts import NAMESPACE_LABEL, SERVICE_LABEL, TIME_BUCKET

ERRORS, LATENCY = "errors", "latency"
BUILT_IN = (ERRORS, LATENCY)
MODEL_JOB = "perennial-models"
"""The scrape job of the model servers in manifests/monitoring."""


@dataclass(frozen=True)
class Source:
    """One Prometheus. `client` reads what presets count, `other` the owner's own metrics and histories.

    Each client has one query in flight, so that a slow query of one kind does not keep the other waiting.
    """

    name: str
    client: PrometheusSource
    other: PrometheusSource
    families: Mapping[str, Family]
    pods: PodErrors | None = None
    namespaces: frozenset[str] = frozenset()

    def own(self, metric: str) -> bool:
        """Whether a metric is of the owner's own."""
        return metric not in BUILT_IN

    def question(self, metrics: Sequence[Counted]) -> Question:
        """How a rollout's metrics are counted here; errors, if it has them, come first."""
        names = sorted((one.name for one in metrics), key=lambda name: name != ERRORS)
        return Question(tuple(metrics), {name: self.families[name] for name in names})


@dataclass(frozen=True)
class Sources:
    """All sources by name; the default one has also the empty name."""

    by_name: Mapping[str, Source] = field(default_factory=dict)

    def problem(self, name: str, namespace: str, metrics: Sequence[Counted]) -> str | None:
        """A sentence if a rollout cannot be counted as it asks for."""
        source = self.by_name.get(name)
        if source is None and not self.by_name:
            return "No Prometheus is configured for the operator; set its prometheus-url."
        if source is None:
            asked = f"no source of metrics called {name}" if name else "no default source of metrics"
            return f"The operator has {asked}; {_there_are(self._allowed(namespace), 'source')}."
        if source.namespaces and namespace not in source.namespaces:
            return (
                f"The source of metrics {source.name} is not for the namespace {namespace}; "
                f"{_there_are(self._allowed(namespace), 'source')}."
            )
        lacking = [one.name for one in metrics if one.name not in source.families]
        if lacking:
            there = _there_are(sorted(source.families), "metric")
            return f"The source of metrics {source.name or 'of the operator'} does not count {lacking[0]}; {there}."
        return None

    def _allowed(self, namespace: str) -> list[str]:
        return sorted(
            name for name, source in self.by_name.items() if name and namespace in (source.namespaces or {namespace})
        )


def _there_are(names: Sequence[str], what: str) -> str:
    return f"spec.analysis may name the {what}s {', '.join(names)}" if names else f"it may use no {what}"


def gateway_families(job: str) -> dict[str, Family]:
    """What Envoy Gateway counts."""
    owner = f'{NAMESPACE_LABEL}="{{namespace}}",{SERVICE_LABEL}="{{inferenceService}}"'
    times = parse(f'{TIME_BUCKET}{{job="{job}",{owner}}}')
    return {ERRORS: GatewayErrors(job), LATENCY: Buckets(times)}


def mlserver_families(job: str) -> dict[str, Family]:
    """What MLServer counts of inferences; its durations are a summary, which tells no share of slow ones."""
    owner = f'{NAMESPACE_LABEL}="{{namespace}}",{SERVICE_LABEL}="{{inferenceService}}"'
    good, bad = (parse(f'model_infer_request_{how}_total{{job="{job}",{owner}}}') for how in ("success", "failure"))
    return {ERRORS: Ratio(ERRORS, (good, bad), (bad,))}


Connect = Callable[[SourceDefinition], PrometheusSource]


def source_of(definition: SourceDefinition, client_of: Connect, gateway_job: str) -> Source:
    """A source as its owner defined it; each of its clients is one that `client_of` makes."""
    families: dict[str, Family] = {}
    pods = None
    if definition.preset == "EnvoyGateway":
        job = definition.job or gateway_job
        families, pods = gateway_families(job), PodErrors(job)
    elif definition.preset == "MLServer":
        families = mlserver_families(definition.job or MODEL_JOB)
    if definition.errors:
        families[ERRORS] = _ratio(ERRORS, definition.errors, definition.replica_labels)
    if definition.latency:
        families[LATENCY] = _buckets(definition.latency, definition.replica_labels)
    for name, metric in definition.metrics.items():
        families[name] = _ratio(name, metric, definition.replica_labels)
    return Source(
        definition.name, client_of(definition), client_of(definition), families, pods, frozenset(definition.namespaces)
    )


def _ratio(name: str, metric: RatioDefinition, replica_labels: tuple[str, ...]) -> Ratio:
    total, bad, failed = (_selectors(each) for each in (metric.total, metric.bad, metric.failed or []))
    return Ratio(name, total, bad, failed, replica_labels)


def _selectors(texts: Sequence[str]) -> tuple[Selector, ...]:
    return tuple(map(parse, texts))


def _buckets(histogram: HistogramDefinition, replica_labels: tuple[str, ...]) -> Buckets:
    unit = 1.0 if histogram.unit == "milliseconds" else 1000.0
    return Buckets(parse(histogram.buckets), unit, LATENCY, replica_labels)
