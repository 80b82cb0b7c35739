"""The model card (model.json): what a model reads, answers, scored, and what it was made from."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from typing import Any

from perennial_trainer.canonical import digest_json
from perennial_trainer.signature import Signature

FILE_NAME = "model.json"


@dataclass(frozen=True)
class Card:
    """The parts of a model card that are read again."""

    model_name: str
    inputs: Signature
    outputs: tuple[Mapping[str, str], ...]
    metrics: Mapping[str, str]
    lineage: Mapping[str, Any]
    format: str
    framework: str

    def to_json(self) -> dict[str, Any]:
        """As model.json has it."""
        return {
            "modelName": self.model_name,
            "inputs": self.inputs.to_json(),
            "outputs": [dict(output) for output in self.outputs],
            "metrics": dict(self.metrics),
            "lineage": dict(self.lineage),
            "format": self.format,
            "framework": self.framework,
        }

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> "Card":
        """Read model.json; raises KeyError, TypeError or ValueError when it is none."""
        return cls(
            model_name=raw["modelName"],
            inputs=Signature.from_json(raw["inputs"]),
            outputs=tuple(raw["outputs"]),
            metrics=raw["metrics"],
            lineage=raw["lineage"],
            format=raw["format"],
            framework=raw["framework"],
        )


def framework() -> str:
    """Name and version of the library that the model needs."""
    return f"scikit-learn {metadata.version('scikit-learn')}"


def packages_digest() -> str:
    """SHA-256 of the names and versions of every installed distribution."""
    installed = {f"{d.metadata['Name'].lower()}=={d.version}" for d in metadata.distributions()}
    return digest_json(sorted(installed))
