"""ModelDeployment: one stable address, one revision after the other, traffic moved on evidence."""

from perennial.controllers.modeldeployment.reconcile import ModelDeploymentReconciler

__all__ = ["ModelDeploymentReconciler"]
