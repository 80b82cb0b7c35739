"""All controllers of the operator."""

from perennial.controllers.guard import Guarded
from perennial.controllers.modeldeployment import ModelDeploymentReconciler
from perennial.controllers.modeldeployment.gateways import Gateways
from perennial.controllers.modelversion import ModelVersionReconciler
from perennial.controllers.trainingrun import TrainingRunReconciler
from perennial.core import connecting
from perennial.core.analysis import Analysis
from perennial.core.live import answering
from perennial.core.merging import Merging
from perennial.core.polling import Grid
from perennial.core.queue import Key
from perennial.core.reconciling import Reconciler
from perennial.core.rollout_metrics import RolloutCollector
from perennial.core.services import Program, Services
from perennial.core.settings import Settings
from perennial.ports.kinds import MODEL_DEPLOYMENT


def build(services: Services) -> Program:
    """The reconcilers of every kind and the loops that feed them."""
    settings, kube, clock, events = services.settings, services.kube, services.clock, services.events
    analysis: Analysis[Key] = Analysis(connecting.sources(settings), clock, _grid(settings), services.enqueue)
    services.metrics.registry.register(RolloutCollector(analysis.snapshot))
    merging = _merging(services)
    unmerged = merging.unmerged if merging else lambda *_: False
    gateways = Gateways(kube, clock)
    reconcilers: list[Reconciler] = [
        TrainingRunReconciler(kube, clock, settings, events),
        ModelVersionReconciler(kube, clock, settings, events),
        ModelDeploymentReconciler(
            kube, clock, settings, events, analysis, services.metrics, unmerged, gateways, services.waiting
        ),
    ]
    return Program(
        reconcilers=[Guarded(each, services) for each in reconcilers],
        loops=[analysis.run, *([merging.run] if merging else [])],
        rollouts=answering(analysis),
        told=gateways.told,
    )


def _merging(services: Services) -> Merging | None:
    settings = services.settings
    found = connecting.gateway(settings)
    if found is None:
        return None

    def changed(namespace: str, name: str) -> None:
        services.enqueue(Key(MODEL_DEPLOYMENT.kind, namespace, name))

    return Merging(connecting.client_of(found), services.clock, _grid(settings), changed)


def _grid(settings: Settings) -> Grid:
    # Prometheus allows a scrape no longer than the interval between two.
    interval = settings.scrape_interval_seconds
    return Grid(settings.poll_seconds, interval, scrape_timeout_seconds=interval, job=settings.gateway_job)
