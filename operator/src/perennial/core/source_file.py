"""The file in which the operator's owner defines sources of metrics.

A tenant only names a source and metrics: addresses, credentials and queries are never a tenant's.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic.alias_generators import to_camel

from perennial.core.counting.family import REPLICA_LABELS
from perennial.core.counting.selector import parse

NAME = r"^[a-z]([-a-z0-9]*[a-z0-9])?$"


def _each(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _selector(value: str) -> str:
    parse(value)
    return value


Selectors = Annotated[
    list[Annotated[str, AfterValidator(_selector)]], BeforeValidator(_each), Field(min_length=1, max_length=8)
]
"""One selector or several."""


class _Part(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True, extra="forbid")


class RatioDefinition(_Part):
    """Requests, the bad ones among them, and those that count for an absolute bound (else: the bad ones)."""

    total: Selectors
    bad: Selectors
    failed: Selectors | None = None


class HistogramDefinition(_Part):
    """Durations of requests: the buckets of a classic histogram, and what its edges are counted in."""

    buckets: Annotated[str, AfterValidator(_selector)]
    unit: Literal["milliseconds", "seconds"] = "seconds"


class SourceDefinition(_Part):
    """A Prometheus, what is counted there, and who may use it (no namespaces: everybody)."""

    name: str = Field(pattern=NAME, max_length=40)
    preset: Literal["EnvoyGateway", "MLServer", "Custom"] = "EnvoyGateway"
    url: str = Field(pattern=r"^https?://")
    token_file: str | None = None
    ca_file: str | None = None
    job: str | None = Field(default=None, pattern=r"^[^\"\\\n]+$")
    namespaces: tuple[str, ...] = ()
    replica_labels: tuple[str, ...] = REPLICA_LABELS
    errors: RatioDefinition | None = None
    latency: HistogramDefinition | None = None
    metrics: dict[Annotated[str, Field(pattern=NAME, max_length=32)], RatioDefinition] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _fits(self) -> SourceDefinition:
        if self.preset != "Custom" and (self.errors or self.latency):
            raise ValueError(f"errors and latency are defined by the preset {self.preset}; write preset: Custom")
        if self.preset == "Custom" and not (self.errors or self.latency or self.metrics):
            raise ValueError("preset Custom needs errors, latency or metrics")
        if self.preset == "Custom" and self.job:
            raise ValueError("preset Custom has its job in its selectors")
        if {"errors", "latency"} & self.metrics.keys():
            raise ValueError("errors and latency are not among metrics: they have fields of their own")
        return self


class SourceFile(_Part):
    """All sources; `default` names the one of rollouts that name none."""

    sources: tuple[SourceDefinition, ...] = ()
    default: str | None = None

    @model_validator(mode="after")
    def _fits(self) -> SourceFile:
        names = [each.name for each in self.sources]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"there are two sources called {', '.join(twice)}")
        if self.default is not None and self.default not in names:
            raise ValueError(f"default is {self.default!r}, which is none of the sources")
        return self


def read(path: str) -> SourceFile:
    """Read the file. Raises ValueError with a sentence for each thing that is wrong."""
    try:
        content = yaml.safe_load(Path(path).read_text())
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ValueError(f"{path} cannot be read: {error}") from None
    try:
        return SourceFile.model_validate(content or {})
    except ValidationError as error:
        said = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}".lstrip(": ") for one in error.errors()]
        raise ValueError(f"{path} is wrong. {'; '.join(said)}") from None
