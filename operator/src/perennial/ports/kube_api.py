"""What the operator asks of the apiserver: the types that the real client and the fake share."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from perennial.ports.kinds import Kind

Object = dict[str, Any]
Objects = list[Object]  # the clients' method `list` hides the built-in inside their classes


class ConfigurationError(Exception):
    """Neither a kubeconfig nor a service account says where the cluster is."""


class Kube(Protocol):
    """What a reconciler may do. Every method raises a KubeError; the ones named are those it can act on."""

    async def get(self, kind: Kind, namespace: str, name: str) -> Object | None:
        """The object, or None. Raises NotInstalled."""

    async def list(self, kind: Kind, namespace: str | None = None, labels: Mapping[str, str] | None = None) -> Objects:
        """The objects with all these labels, of one namespace or of all. Raises NotInstalled."""

    async def create(self, kind: Kind, obj: Object) -> Object:
        """Create it, return it as stored. Raises AlreadyExists, Invalid, NotFound (the namespace)."""

    async def apply(self, kind: Kind, obj: Object, *, manager: str) -> Object:
        """Server-side apply of the full intent, forced; a resourceVersion in `obj` guards it. Raises Conflict."""

    async def apply_status(self, kind: Kind, obj: Object, *, manager: str) -> Object:
        """Server-side apply of `obj["status"]`, forced; a resourceVersion guards it. Raises Conflict, NotFound."""

    async def merge_status(self, kind: Kind, obj: Object, *, manager: str) -> Object:
        """JSON merge patch of `obj["status"]`: null takes a field out, whoever wrote it. Raises Conflict, NotFound."""

    async def delete(self, kind: Kind, obj: Object) -> None:
        """Delete this very object (by uid), children in the background. One gone or replaced already is success."""


class Gate(Protocol):
    """Says for how long writes are allowed."""

    def remaining(self) -> float:
        """Seconds for which a write may still be under way; 0 or less: no write."""

    def told(self, *, leads: bool) -> None:
        """The apiserver took a write, or refused it as that of a former leader."""


class Observer(Protocol):
    """Told of every API call: verb as RBAC names it, plural of the kind, HTTP status (0: no answer)."""

    def __call__(self, verb: str, plural: str, status: int) -> None: ...


@dataclass(frozen=True)
class Credentials:
    """What another client in this process needs to talk to the same apiserver as the same user."""

    server: str
    ca_path: str | None
    certificate_path: str | None
    key_path: str | None
    token: str | None
    verify: bool
