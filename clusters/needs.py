"""What a cluster that is not ours lacks for Perennial. Pure."""

from __future__ import annotations

from dataclasses import dataclass

KSERVE = ("inferenceservices.serving.kserve.io", "servingruntimes.serving.kserve.io")
GATEWAY_API = ("gateways.gateway.networking.k8s.io", "httproutes.gateway.networking.k8s.io")
ENVOY_GATEWAY = "envoyproxies.gateway.envoyproxy.io"


@dataclass(frozen=True)
class Found:
    """What was seen of a cluster.

    Attributes:
        context: the kubeconfig's current context; empty if it has none.
        silence: why the apiserver does not answer; empty if it does.
        kinds: names of its definitions.
        gateways: Gateways that are Programmed, as NAMESPACE/NAME.
        merged: whether an EnvoyProxy has mergeBackends.
        prometheus: the operator's PERENNIAL_PROMETHEUS_URL, of the overlay or the environment; empty if there is none.
        deaf: why Prometheus does not answer there; empty if it does, or if only the cluster could tell.
    """

    context: str = ""
    silence: str = ""
    kinds: frozenset[str] = frozenset()
    gateways: tuple[str, ...] = ()
    merged: bool = False
    prometheus: str = ""
    deaf: str = ""


def lacking(found: Found) -> list[str]:
    """A sentence for each thing that is missing, with what to do; none if Perennial can be installed."""
    if not found.context:
        return ["kubectl has no current context: set KUBECONFIG, or choose one with `kubectl config use-context NAME`."]
    if found.silence:
        return [f"The apiserver of context {found.context} does not answer: {found.silence}"]
    return [*_kinds(found), *_gateway(found), *_prometheus(found)]


def _kinds(found: Found) -> list[str]:
    sentences = []
    if absent := [kind for kind in KSERVE if kind not in found.kinds]:
        sentences.append(f"KServe is missing ({', '.join(absent)}): install KServe 0.20 in Standard mode.")
    if absent := [kind for kind in GATEWAY_API if kind not in found.kinds]:
        sentences.append(f"The Gateway API is missing ({', '.join(absent)}): install Envoy Gateway 1.9 or later.")
    elif ENVOY_GATEWAY not in found.kinds:
        sentences.append(f"Envoy Gateway is missing ({ENVOY_GATEWAY}): install version 1.9 or later.")
    return sentences


def _gateway(found: Found) -> list[str]:
    sentences = []
    if GATEWAY_API[0] in found.kinds and not found.gateways:
        sentences.append("No Gateway is Programmed: apply one, like the Gateway in devcluster/manifests/gateway.yaml.")
    if ENVOY_GATEWAY in found.kinds and not found.merged:
        sentences.append(
            "No EnvoyProxy merges backends: give that of your GatewayClass `mergeBackends: {}`, like the one in "
            "devcluster/manifests/gateway.yaml, or requests cannot be counted by revision."
        )
    return sentences


def _prometheus(found: Found) -> list[str]:
    if not found.prometheus:
        return [
            "No Prometheus is named: set PERENNIAL_PROMETHEUS_URL to its URL inside the cluster, like "
            "http://prometheus.monitoring:9090, and let it scrape what manifests/monitoring says."
        ]
    if found.deaf:
        return [f"Prometheus does not answer at {found.prometheus}: {found.deaf}"]
    return []
