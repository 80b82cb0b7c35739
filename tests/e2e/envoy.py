"""What Envoy counted, read from its own pods at the moment."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from demo.kubectl import Kubectl
from demo.tally import Tally

_NAMESPACE = "envoy-gateway-system"
_PODS = "app.kubernetes.io/component=proxy"
_SAMPLE = re.compile(r"^(?P<name>\w+)\{(?P<labels>[^}]*)\} (?P<value>\d+)", re.MULTILINE)
_LABEL = re.compile(r'(\w+)="([^"]*)"')


@dataclass(frozen=True)
class Counts:
    """Requests by class of their status ("2", "4", "5").

    Attributes:
        classes: answered requests by class.
        total: all requests, answered or not.
    """

    classes: Counter[str]
    total: int

    def __sub__(self, earlier: Counts) -> Counts:
        """What was counted since."""
        classes = Counter({each: count - earlier.classes[each] for each, count in self.classes.items()})
        return Counts(+classes, self.total - earlier.total)


def service_counts(kubectl: Kubectl, service: str) -> Counts:
    """What the gateway counted for an InferenceService of the flights' namespace."""
    cluster = f"service/{kubectl.namespace}/{service}-predictor/80/http"
    return _counts(kubectl, "envoy_cluster_upstream_rq", "envoy_cluster_name", re.escape(cluster))


def gateway_counts(kubectl: Kubectl) -> Counts:
    """What the gateway's listener for users counted."""
    return _counts(kubectl, "envoy_http_downstream_rq", "envoy_http_conn_manager_prefix", "http-8080")


def tally_classes(tally: Tally, *services: str) -> Counter[str]:
    """The load client's answers by class of status: of some InferenceServices, or of all."""
    counts: Counter[str] = Counter()
    for name in services or tally.answers:
        for status, count in tally.answers.get(name, Counter()).items():
            counts[str(status // 100)] += count
    return counts


def _counts(kubectl: Kubectl, metric: str, label: str, pattern: str) -> Counts:
    classes: Counter[str] = Counter()
    total = 0
    for name, labels, value in _samples(kubectl):
        if not re.fullmatch(pattern, labels.get(label, "")):
            continue
        if name == f"{metric}_total":
            total += value
        elif name == f"{metric}_xx":
            classes[labels["envoy_response_code_class"]] += value
    return Counts(+classes, total)


def _samples(kubectl: Kubectl) -> Iterator[tuple[str, dict[str, str], int]]:
    names = kubectl("get", "pods", "-n", _NAMESPACE, "-l", _PODS, "-o", "name").split()
    for name in names:
        pod = name.removeprefix("pod/")
        text = kubectl.raw(f"/api/v1/namespaces/{_NAMESPACE}/pods/{pod}:19001/proxy/stats/prometheus")
        for found in _SAMPLE.finditer(text):
            yield found["name"], dict(_LABEL.findall(found["labels"])), int(found["value"])
