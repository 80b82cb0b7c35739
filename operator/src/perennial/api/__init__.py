"""The kinds of the API as pydantic types. Imports nothing but pydantic."""

from perennial.api.base import API_VERSION, GROUP, VERSION, Resource
from perennial.api.modeldeployment import MODEL_DEPLOYMENT
from perennial.api.modelversion import MODEL_VERSION
from perennial.api.trainingrun import TRAINING_RUN

RESOURCES: tuple[Resource, ...] = (TRAINING_RUN, MODEL_VERSION, MODEL_DEPLOYMENT)

__all__ = ["API_VERSION", "GROUP", "RESOURCES", "VERSION", "Resource"]
