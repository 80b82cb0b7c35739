"""What the gateway would count: requests to each version of each rollout, as the samples of one scraped process."""

from __future__ import annotations

from dataclasses import dataclass

from bench.scale.prometheus import Series, StandIn
from perennial.rollout.counts import ACTIVE, CLASS, CLASS_LABEL, NAMESPACE_LABEL, SERVICE_LABEL, TOTAL

JOB = "perennial-gateway"
RPS = 100.0
WEIGHT = 0.1
BAD_SHARE = 0.01
"""Of a healthy version's requests: exactly so many in each scrape, so that no rollout goes back by chance."""


@dataclass
class Version:
    """One version's counters. `bad_share` is of what it answers from now on."""

    total: Series
    good: Series
    bad: Series
    rps: float
    bad_share: float = BAD_SHARE

    def serve(self, seconds: float) -> None:
        """Requests of so many seconds."""
        requests = self.rps * seconds
        self.total.value += requests
        self.bad.value += requests * self.bad_share
        self.good.value += requests * (1 - self.bad_share)


@dataclass
class Pair:
    """Both versions of a rollout."""

    stable: Version
    canary: Version


class Gateway:
    """All rollouts' versions, scraped into a stand-in."""

    def __init__(self, standin: StandIn, scrape_seconds: float) -> None:
        """Nothing is served yet."""
        self._standin, self._seconds = standin, scrape_seconds
        self._versions: list[Version] = []

    def pair(self, namespace: str, stable: str, canary: str) -> Pair:
        """A rollout at its first step, by the names of its InferenceServices."""
        return Pair(
            self._version(namespace, stable, RPS * (1 - WEIGHT)), self._version(namespace, canary, RPS * WEIGHT)
        )

    def _version(self, namespace: str, service: str, rps: float) -> Version:
        labels = {
            "job": JOB,
            "instance": "127.0.0.1:19001",
            "pod": "envoy-0",
            "envoy_cluster_name": f"service/{namespace}/{service}-predictor/80/http",
            NAMESPACE_LABEL: namespace,
            SERVICE_LABEL: service,
        }
        self._standin.add({**labels, "__name__": ACTIVE})
        total = self._standin.add({**labels, "__name__": TOTAL})
        good, bad = (self._standin.add({**labels, "__name__": CLASS, CLASS_LABEL: code}) for code in ("2", "5"))
        version = Version(total, good, bad, rps)
        self._versions.append(version)
        return version

    def scrape(self, now: float) -> None:
        """Serve the requests since the last scrape, and scrape."""
        for version in self._versions:
            version.serve(self._seconds)
        self._standin.scrape(now)
