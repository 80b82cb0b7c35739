"""From checked rows to JSON answers, for one artifact; knows nothing of HTTP."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sklearn.pipeline import Pipeline

from perennial_trainer import answers, pipeline
from perennial_trainer.artifact import card, persistence, store
from perennial_trainer.errors import WorkError
from perennial_trainer.signature import Row, RowError


@dataclass(frozen=True)
class Predictor:
    """A model that was loaded from a verified artifact."""

    model: Pipeline
    card: card.Card

    @classmethod
    def load(cls, artifact: store.Artifact) -> "Predictor":
        """Load the model of a verified artifact.

        Raises:
            WorkError: ``FormatUnsupported``, ``ModelUnreadable``, ``ArtifactInvalid`` or ``DigestMismatch``.
        """
        description = artifact.card()
        if description.format != persistence.FORMAT:
            raise WorkError("FormatUnsupported", f"This server does not read the format {description.format!r}.")
        return cls(persistence.load(artifact.read(persistence.FILE_NAME)), description)

    def predict(self, rows: Sequence[Row]) -> list[Any]:
        """One JSON answer a row.

        Raises:
            RowError: the model refuses a row; the message names row, column and value where that is known.
        """
        frame = self.card.inputs.frame(rows)
        try:
            return answers.to_json(self.model.predict(frame))
        except ValueError as error:
            raise RowError(pipeline.unseen(self.model, frame) or f"the model refuses these rows: {error}") from error
