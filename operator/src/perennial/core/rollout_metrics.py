"""Rollouts as series of the operator's own metrics, read when they are scraped."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from perennial.core.analysis import Gauges
from perennial.core.queue import Key

# Not `namespace`: a scraper keeps that label for the operator's own pod.
OBJECT = ("object_namespace", "object_name")


class RolloutCollector(Collector):
    """Weight, evidence and verdict of every rollout under way; a rollout that is over has no series."""

    def __init__(self, snapshot: Callable[[], Sequence[Gauges[Key]]]) -> None:
        self._snapshot = snapshot

    def describe(self) -> Iterable[Metric]:
        """Nothing in advance: the registry must not ask for a snapshot when this is registered."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """The series now: five or six for each rollout."""
        weight = GaugeMetricFamily("perennial_rollout_weight_percent", "Share of requests of the canary", labels=OBJECT)
        evidence = GaugeMetricFamily(
            "perennial_rollout_evidence_nats",
            "Natural logarithm of the evidence for rolling back and for the next move",
            labels=(*OBJECT, "towards"),
        )
        verdict = GaugeMetricFamily(
            "perennial_rollout_verdict", "1 with the last verdict and its reason", labels=(*OBJECT, "verdict", "reason")
        )
        expected = GaugeMetricFamily(
            "perennial_rollout_expected_seconds", "Time until the promotion of a healthy canary", labels=OBJECT
        )
        for each in self._snapshot():
            labels = (each.key.namespace, each.key.name)
            weight.add_metric(labels, each.weight)
            evidence.add_metric((*labels, "rollback"), each.evidence_rollback)
            evidence.add_metric((*labels, "advance"), each.evidence_advance)
            verdict.add_metric((*labels, each.verdict.value, each.reason), 1)
            if each.expected_seconds is not None:
                expected.add_metric(labels, each.expected_seconds)
        return weight, evidence, verdict, expected
