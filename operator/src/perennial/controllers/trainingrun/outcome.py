"""What a training container says it made, checked before it is believed."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from perennial.api.base import PvcUri, Quantity, Sha256
from perennial.controllers.jobs.claims import ClaimPath, lies_under
from perennial.controllers.jobs.said import NotUnderstoodError, Said, read_said
from perennial.controllers.jobs.text import clean

MetricName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
Count = Annotated[int, Field(ge=0, le=2**53)]


class SaidArtifact(Said):
    """The files."""

    uri: PvcUri
    sha256: Sha256
    content_digest: Sha256 | None = None
    format: Literal["skops"] = "skops"
    framework: Annotated[str, Field(max_length=128)] | None = None
    size_bytes: Count | None = None


class SaidLineage(Said):
    """What only the container knows of how the model was made."""

    data_digest: Sha256 | None = None
    data_rows: Count | None = None
    packages_digest: Sha256 | None = None


class Success(Said):
    """A model was made."""

    outcome: Literal["Succeeded"]
    artifact: SaidArtifact
    metrics: Annotated[dict[MetricName, Quantity], Field(max_length=20)] = Field(default_factory=dict)
    lineage: SaidLineage = Field(default_factory=SaidLineage)


def read_success(text: str, folder: ClaimPath, pinned_data: str | None) -> Success:
    """The outcome of a training that ended well.

    `folder` is the run's own: an artifact elsewhere is someone else's, whatever its digest. `pinned_data` is the
    digest that the spec asks for. Raises NotUnderstoodError.
    """
    success = read_said(text, Success)
    uri = success.artifact.uri
    if not lies_under(uri, folder):
        raise NotUnderstoodError(f"artifact.uri {uri} does not lie under the run's own folder {folder.uri}/")
    told = success.lineage.data_digest
    if pinned_data and told and told != pinned_data:
        raise NotUnderstoodError(f"it was trained on data with digest {told}, not on the {pinned_data} of the spec")
    framework = success.artifact.framework
    if framework is None:
        return success
    artifact = success.artifact.model_copy(update={"framework": clean(framework, 128)})
    return success.model_copy(update={"artifact": artifact})
