"""TrainingRun: one Job, whose outcome becomes a ModelVersion."""

from perennial.controllers.trainingrun.reconcile import TrainingRunReconciler

__all__ = ["TrainingRunReconciler"]
