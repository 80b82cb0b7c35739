"""ModelVersion: verified, approved, in use by."""

from perennial.controllers.modelversion.reconcile import ModelVersionReconciler

__all__ = ["ModelVersionReconciler"]
