"""Where a situation is made: a namespace of its own on a real apiserver, an admin who plays, and the operator."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from perennial.ports.kinds import Kind
from perennial.ports.kube import KubeClient, Object
from tests.apiserver.support import Kubectl

Making = Callable[["Place"], Awaitable[Object]]


@dataclass(frozen=True)
class Place:
    """A namespace; `operator` has the operator's permissions and no others."""

    namespace: str
    admin: KubeClient
    operator: KubeClient
    kubectl: Kubectl

    def none_of(self, resource: str) -> None:
        """A quota that allows no object of a resource; nobody counts here, so the test does."""
        say = ("-n", self.namespace)
        self.kubectl(*say, "create", "quota", "none", f"--hard=count/{resource}=0")
        status = {"hard": {f"count/{resource}": "0"}, "used": {f"count/{resource}": "0"}}
        patch = json.dumps({"status": status})
        self.kubectl(*say, "patch", "quota", "none", "--subresource=status", "--type=merge", "-p", patch)

    async def read(self, kind: Kind, name: str) -> Object:
        """An object as the apiserver has it."""
        obj = await self.admin.get(kind, self.namespace, name)
        assert obj is not None
        return obj

    async def says(self, kind: Kind, obj: Object, status: Object) -> None:
        """Another controller writes the status of an object."""
        head = {"namespace": self.namespace, "name": obj["metadata"]["name"]}
        await self.admin.apply_status(kind, {"metadata": head, "status": status}, manager="test")


@dataclass(frozen=True)
class Situation:
    """One situation that an object can be in.

    Attributes:
        kind: of the object.
        name: of its record.
        row: what docs/conditions.md calls it in the table of its kind.
        make: brings an object into it, and returns that.
        bare: it needs a cluster without KServe or without the Gateway API.
    """

    kind: str
    name: str
    row: str
    make: Making
    bare: bool = False


class Situations:
    """The situations of a kind, collected by a decorator."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.all: list[Situation] = []

    def __call__(self, row: str, *, bare: bool = False) -> Callable[[Making], Making]:
        def decorate(make: Making) -> Making:
            name = make.__name__.replace("_", "-")  # type: ignore[attr-defined]
            self.add(row, name, make, bare)
            return make

        return decorate

    def add(self, row: str, name: str, make: Making, bare: bool = False) -> None:
        """One more."""
        self.all.append(Situation(self.kind, name, row, make, bare))
