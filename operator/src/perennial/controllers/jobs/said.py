"""The outcome that a container leaves in its termination message: JSON from code that we did not write.

Everything is bounded before it is believed: bytes, types without conversion, lengths, characters. What the contract
does not name is ignored, so that other images may say more.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from perennial.api.trainingrun import FAILED, OPERATORS_REASONS
from perennial.controllers.jobs.text import clean

LIMIT_BYTES = 4096
MESSAGE_LIMIT = 1024


def _fit(text: str) -> str:
    cleaned = clean(text, MESSAGE_LIMIT)
    if not cleaned:
        raise ValueError("a message without a visible character")
    return cleaned


Sentence = Annotated[str, AfterValidator(_fit)]


class Said(BaseModel):
    """A part of an outcome; camelCase in JSON, no conversion of types."""

    model_config = ConfigDict(
        alias_generator=to_camel, strict=True, frozen=True, extra="ignore", hide_input_in_errors=True
    )


class Failure(Said):
    """The container says why it failed."""

    outcome: Literal["Failed"]
    reason: str = Field(pattern=r"^[A-Z][A-Za-z0-9]{0,63}$")
    message: Sentence


class Boast(Said):
    """The container says that it did not fail; what else it says is not looked at."""

    outcome: Literal["Succeeded"]


SaidType = TypeVar("SaidType", bound=Said)


class NotUnderstoodError(Exception):
    """The outcome is not what the contract asks for; the text says what, in words of ours."""


def read_said(text: str, model: type[SaidType]) -> SaidType:
    """The outcome as `model`. Raises NotUnderstoodError."""
    if not text.strip():
        raise NotUnderstoodError("nothing was written to it")
    size = len(text.encode(errors="surrogatepass"))
    if size > LIMIT_BYTES:
        raise NotUnderstoodError(f"it has {size} bytes; {LIMIT_BYTES} are allowed")
    try:
        return model.model_validate_json(text)
    except ValidationError as error:
        cut = f"; Kubernetes cuts it at {LIMIT_BYTES} bytes, which it has" if size == LIMIT_BYTES else ""
        raise NotUnderstoodError(_first(error) + cut) from error
    except ValueError as error:
        # A lone surrogate cannot be encoded for the JSON reader.
        raise NotUnderstoodError("it is not UTF-8") from error


def read_failure(text: str) -> Failure | None:
    """The container's own reason and sentence, or None when it left none that can be used."""
    try:
        failure = read_said(text, Failure)
    except NotUnderstoodError:
        return None
    return failure.model_copy(update={"reason": FAILED}) if failure.reason in OPERATORS_REASONS else failure


def boasts(text: str) -> bool:
    """Whether the outcome claims success."""
    try:
        return read_said(text, Boast).outcome == "Succeeded"
    except NotUnderstoodError:
        return False


def _first(error: ValidationError) -> str:
    details = error.errors(include_url=False, include_context=False, include_input=False)[0]
    place = ".".join(str(each) for each in details["loc"])
    return clean(f"{place}: {details['msg']}" if place else details["msg"], 200)
