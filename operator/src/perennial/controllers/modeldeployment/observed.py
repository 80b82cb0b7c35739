"""Everything that one pass over a ModelDeployment has read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from perennial.api.modeldeployment import ModelDeploymentSpec
from perennial.api.modeldeployment_status import ModelDeploymentStatus
from perennial.controllers.jobs.state import is_pod_of
from perennial.controllers.modeldeployment import naming
from perennial.controllers.modeldeployment import preflight as preflights
from perennial.controllers.modeldeployment.gateway import NOTHING_SEEN, GatewayState, GatewayView, state
from perennial.controllers.modeldeployment.health import Health, health
from perennial.controllers.modeldeployment.revision import Record, Version
from perennial.controllers.modeldeployment.route import LiveRoute, read
from perennial.core.analysis_types import Reading


@dataclass(frozen=True)
class Observed:
    """A consistent picture; the mappings are by name.

    ``foreign`` says what has the names of our own and is not ours; ``strangers`` are names of revisions taken that way.
    ``unreadable`` are names of ModelVersions whose spec is not valid for these types.
    """

    deployment: dict[str, Any]
    spec: ModelDeploymentSpec
    status: ModelDeploymentStatus
    default_image: str
    versions: tuple[Version, ...] = ()
    unreadable: frozenset[str] = frozenset()
    records: tuple[Record, ...] = ()
    services: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    runtimes: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    jobs: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    revisions: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    pods: tuple[dict[str, Any], ...] = ()
    route: dict[str, Any] | None = None
    budget: dict[str, Any] | None = None
    gateway: GatewayView = NOTHING_SEEN
    kserve_installed: bool = True
    foreign: tuple[str, ...] = ()
    strangers: frozenset[str] = frozenset()
    reading: Reading | None = None

    @property
    def name(self) -> str:
        return str(self.deployment["metadata"]["name"])

    @property
    def namespace(self) -> str:
        return str(self.deployment["metadata"]["namespace"])

    @property
    def live_route(self) -> LiveRoute:
        return read(self.route)

    @property
    def gateway_state(self) -> GatewayState:
        return state(self.gateway, self.spec.router, self.name, self.namespace, self.route)

    def record(self, revision: str) -> Record | None:
        """The record of a revision."""
        return next((record for record in self.records if record.revision == revision), None)

    def health(self, record: Record) -> Health:
        """How a revision's servers are."""
        return health(self.services.get(record.service), self._pods(record.revision, naming.SERVER))

    def preflight(self, record: Record) -> preflights.Result:
        """How a revision's preflight stands."""
        job = self.jobs.get(naming.preflight_name(self.name, record.revision))
        labelled = self._pods(record.revision, naming.PREFLIGHT)
        return preflights.result(job, tuple(pod for pod in labelled if job is not None and is_pod_of(pod, job)))

    def _pods(self, revision: str, component: str) -> tuple[dict[str, Any], ...]:
        wanted = {naming.REVISION_LABEL: revision, naming.COMPONENT_LABEL: component}
        return tuple(pod for pod in self.pods if wanted.items() <= pod["metadata"].get("labels", {}).items())
