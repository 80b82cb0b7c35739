"""All controllers of the operator."""

from perennial.controllers.guard import Guarded
from perennial.controllers.modeldeployment import ModelDeploymentReconciler
from perennial.controllers.modeldeployment.gateways import Gateways
from perennial.controllers.modelversion import ModelVersionReconciler
from perennial.controllers.trainingrun import TrainingRunReconciler
from perennial.core.analysis import Analysis
from perennial.core.merging import Merging
from perennial.core.polling import Grid
from perennial.core.queue import Key
from perennial.core.reconciling import Reconciler
from perennial.core.rollout_metrics import RolloutCollector
from perennial.core.services import Program, Services
from perennial.core.settings import Settings
from perennial.ports.kinds import MODEL_DEPLOYMENT
from perennial.ports.prometheus import HttpPrometheus


def build(services: Services) -> Program:
    """The reconcilers of every kind and the loops that feed them."""
    settings, kube, clock, events = services.settings, services.kube, services.clock, services.events
    source = _source(settings)
    analysis: Analysis[Key] = Analysis(source, clock, _grid(settings), services.enqueue)
    services.metrics.registry.register(RolloutCollector(analysis.snapshot))
    merging = _merging(services)
    unmerged = merging.unmerged if merging else lambda *_: False
    gateways = Gateways(kube, clock)
    reconcilers: list[Reconciler] = [
        TrainingRunReconciler(kube, clock, settings, events),
        ModelVersionReconciler(kube, clock, settings, events),
        ModelDeploymentReconciler(kube, clock, settings, events, analysis, services.metrics, unmerged, gateways),
    ]
    return Program(
        reconcilers=[Guarded(each, services) for each in reconcilers],
        loops=[analysis.run, *([merging.run] if merging else [])],
        told=gateways.told,
    )


def _source(settings: Settings) -> HttpPrometheus | None:
    if not settings.prometheus_url:
        return None
    return HttpPrometheus(
        settings.prometheus_url, token_file=settings.prometheus_token_file, ca_file=settings.prometheus_ca_file
    )


def _merging(services: Services) -> Merging | None:
    settings = services.settings
    # A client of its own: one that hangs at one question does not keep the other waiting.
    source = _source(settings)
    if source is None:
        return None

    def changed(namespace: str, name: str) -> None:
        services.enqueue(Key(MODEL_DEPLOYMENT.kind, namespace, name))

    return Merging(source, services.clock, _grid(settings), changed)


def _grid(settings: Settings) -> Grid:
    # Prometheus allows a scrape no longer than the interval between two.
    interval = settings.scrape_interval_seconds
    return Grid(settings.poll_seconds, interval, scrape_timeout_seconds=interval, job=settings.gateway_job)
