"""All controllers of the operator."""

from perennial.controllers.modeldeployment import ModelDeploymentReconciler
from perennial.controllers.modelversion import ModelVersionReconciler
from perennial.controllers.trainingrun import TrainingRunReconciler
from perennial.core.analysis import Analysis
from perennial.core.queue import Key
from perennial.core.services import Program, Services


def build(services: Services) -> Program:
    """The reconcilers of every kind and the loops that feed them."""
    settings, kube, clock, events = services.settings, services.kube, services.clock, services.events
    analysis: Analysis[Key] = Analysis(_source(services), clock, _grid(services), services.enqueue)
    return Program(
        reconcilers=[
            TrainingRunReconciler(kube, clock, settings, events),
            ModelVersionReconciler(kube, clock, settings, events),
            ModelDeploymentReconciler(kube, clock, settings, events, analysis, services.metrics),
        ],
        loops=[analysis.run],
    )
