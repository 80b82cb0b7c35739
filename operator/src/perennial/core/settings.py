"""What an installation decides. `perennial.__main__` builds it from arguments and environment."""

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from perennial.core import source_file


class Settings(BaseModel):
    """Settings of one operator process; seconds are wall time."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    trainer_image: str = Field(min_length=1, description="Image of the jobs and of the model server")
    prometheus_url: str | None = Field(default=None, pattern=r"^https?://", description="Where evidence is read")
    prometheus_token_file: str | None = Field(
        default=None, description="File with the bearer token for Prometheus, read anew for each query"
    )
    prometheus_ca_file: str | None = Field(
        default=None, description="File with the certificates that Prometheus' own is checked against"
    )
    sources_file: str | None = Field(
        default=None, description="File that defines more sources of metrics (docs/metrics.md); read at the start"
    )
    gateway_job: str = Field(
        default="perennial-gateway",
        pattern=r"^[^\"\\\n]+$",
        description="Name of the Prometheus job that scrapes the gateway; series of other jobs are no evidence",
    )
    namespace: str = Field(min_length=1, description="Namespace of the operator itself: its Lease is there")
    pod_name: str = Field(min_length=1, description="Identity of this process among its replicas")
    namespaces: tuple[str, ...] = Field(default=(), description="Namespaces to serve; empty means all")
    resync_seconds: float = Field(default=300, gt=0, description="Every object is looked at again this often")
    workers: int = Field(default=4, ge=1, le=64, description="Objects reconciled at the same time")
    poll_seconds: float = Field(default=5, gt=0, description="How often the evidence is read from Prometheus")
    scrape_interval_seconds: float = Field(default=5, gt=0, description="How often Prometheus scrapes the gateway")
    discovery_seconds: float = Field(default=10, gt=0, description="How often the served kinds are looked up")
    metrics_port: int = Field(default=8080, ge=0, le=65535, description="Port of /healthz, /readyz and /metrics")
    lease_seconds: float = Field(default=15, gt=0, description="A leader unheard of for this long is replaced")
    renew_deadline_seconds: float = Field(
        default=10, gt=0, validate_default=True, description="A leader that cannot renew this long ends"
    )
    retry_seconds: float = Field(
        default=2, gt=0, validate_default=True, description="How often the lease is renewed or asked for"
    )

    @field_validator("sources_file")
    @classmethod
    def _readable(cls, value: str | None, info: ValidationInfo) -> str | None:
        """A mistake in the file is told at the start, by its place."""
        if value is not None and source_file.read(value).default is not None and info.data.get("prometheus_url"):
            raise ValueError("its default source and prometheus-url are two: set one of them")
        return value

    @field_validator("renew_deadline_seconds", "retry_seconds")
    @classmethod
    def _one_leader(cls, value: float, info: ValidationInfo) -> float:
        """A leader stops writing before another may begin, and has tried to renew before that."""
        longer = {"renew_deadline_seconds": "lease_seconds", "retry_seconds": "renew_deadline_seconds"}
        limit = info.data.get(longer[str(info.field_name)])
        if limit is not None and value >= limit:
            raise ValueError(f"must be below {longer[str(info.field_name)]} ({limit:g})")
        return value
