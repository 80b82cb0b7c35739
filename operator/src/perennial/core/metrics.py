"""The operator's own metrics, in a registry of their own so that a process can hold several (tests do)."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, generate_latest

from perennial.core.queue import WorkQueue

disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series for each, which nobody reads

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """All series are named `perennial_*`; their labels are bounded (kinds, verbs, results, verdicts)."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._reconciles = Counter(
            "perennial_reconciles", "Passes by kind and result", ["kind", "result"], registry=self.registry
        )
        self._seconds = Histogram(
            "perennial_reconcile_seconds", "Duration of a pass", ["kind"], buckets=SECONDS, registry=self.registry
        )
        self._api_calls = Counter(
            "perennial_api_calls",
            "Calls to the apiserver by verb, resource and HTTP status (0: no answer)",
            ["verb", "resource", "code"],
            registry=self.registry,
        )
        self._decisions = Counter(
            "perennial_decisions", "Decisions about rollouts by verdict", ["verdict"], registry=self.registry
        )
        self._watches = Counter("perennial_watch_events", "Watch events by kind", ["kind"], registry=self.registry)
        self._missing = Gauge(
            "perennial_kind_missing", "1 for a kind the cluster does not serve", ["kind"], registry=self.registry
        )
        self._leader = Gauge("perennial_leader", "1 in the replica that leads", registry=self.registry)

    def reconciled(self, kind: str, result: str, seconds: float) -> None:
        """A pass over an object of `kind` ended in success, conflict or error."""
        self._reconciles.labels(kind, result).inc()
        self._seconds.labels(kind).observe(seconds)

    def api_called(self, verb: str, plural: str, status: int) -> None:
        """The apiserver was called; has the shape of `perennial.ports.kube.Observer`."""
        self._api_calls.labels(verb, plural, str(status)).inc()

    def decided(self, verdict: str) -> None:
        """A rollout's verdict was acted on."""
        self._decisions.labels(verdict).inc()

    def watched(self, kind: str) -> None:
        """A watch brought an event."""
        self._watches.labels(kind).inc()

    def served(self, kind: str, served: bool) -> None:
        """The cluster serves the kind, or not."""
        self._missing.labels(kind).set(0 if served else 1)

    def leading(self, leads: bool) -> None:
        """This process leads, or not."""
        self._leader.set(1 if leads else 0)

    def follow_queue(self, queue: WorkQueue) -> None:
        """Export the depth and the age of `queue`, read when scraped."""
        self._follow("perennial_queue_depth", "Keys that wait", queue.depth)
        self._follow("perennial_queue_oldest_seconds", "Age of the key that waits longest", queue.oldest_seconds)

    def render(self) -> bytes:
        """The text format of Prometheus."""
        return generate_latest(self.registry)

    def _follow(self, name: str, text: str, value: Callable[[], float]) -> None:
        Gauge(name, text, registry=self.registry).set_function(value)
