"""An in-memory Kube for unit tests: records writes, keeps resourceVersions, applies without field ownership.

It is a double for logic above the port. What the apiserver itself does (schemas, CEL, ownership of fields, garbage
collection) is tested against the real one.
"""

import copy
import itertools
from collections.abc import Mapping
from dataclasses import dataclass

from perennial.ports.kinds import Kind
from perennial.ports.kube_api import Object, Objects
from perennial.ports.kube_errors import AlreadyExists, Conflict, KubeError, NotFound, NotInstalled


@dataclass(frozen=True)
class Write:
    """One write that took place: verb is create, update, patch or delete; subresource is "" or "status"."""

    verb: str
    kind: str
    namespace: str
    name: str
    subresource: str
    body: Object
    manager: str = ""


class RecordingKube:
    """`objects` are there from the start; `missing` kinds are not installed; `fail_next` makes a call raise.

    `reads` has verb and kind of each get and list, `writes` each write that took place.
    """

    def __init__(self, *objects: Object, missing: tuple[Kind, ...] = ()) -> None:
        self.writes: list[Write] = []
        self.reads: list[tuple[str, str]] = []
        self.missing = set(missing)
        self._store: dict[tuple[str, str, str], Object] = {}
        self._versions = itertools.count(1)
        self._uids = itertools.count(1)
        self._failures: list[KubeError] = []
        for obj in objects:
            self.put(obj)

    def put(self, obj: Object) -> Object:
        """Store the object as someone else's write: uid, resourceVersion and generation are given if absent."""
        stored = copy.deepcopy(obj)
        metadata = stored["metadata"]
        metadata.setdefault("uid", f"uid-{next(self._uids)}")
        metadata.setdefault("generation", 1)
        metadata.setdefault("creationTimestamp", "2026-01-01T00:00:00Z")
        metadata["resourceVersion"] = str(next(self._versions))
        self._store[stored["kind"], metadata["namespace"], metadata["name"]] = stored
        return copy.deepcopy(stored)

    def drop(self, kind: Kind, namespace: str, name: str) -> None:
        """Take the object away as someone else's delete."""
        del self._store[kind.kind, namespace, name]

    def fail_next(self, error: KubeError) -> None:
        """Make the next call raise `error`."""
        self._failures.append(error)

    async def get(self, kind: Kind, namespace: str, name: str) -> Object | None:
        self.reads.append(("get", kind.kind))
        self._enter(kind)
        return copy.deepcopy(self._store.get((kind.kind, namespace, name)))

    async def list(self, kind: Kind, namespace: str | None = None, labels: Mapping[str, str] | None = None) -> Objects:
        self.reads.append(("list", kind.kind))
        self._enter(kind)
        wanted = (labels or {}).items()
        return [
            copy.deepcopy(obj)
            for (of_kind, of_namespace, _), obj in sorted(self._store.items())
            if of_kind == kind.kind
            and namespace in (None, of_namespace)
            and wanted <= obj["metadata"].get("labels", {}).items()
        ]

    async def create(self, kind: Kind, obj: Object) -> Object:
        self._enter(kind)
        if self._stored(kind, obj) is not None:
            raise AlreadyExists(f"{kind.plural} {obj['metadata']['name']!r} already exists")
        self._record("create", kind, obj)
        return self.put({**obj, **_head(kind)})

    async def update(self, kind: Kind, obj: Object) -> Object:
        self._enter(kind)
        old = self._found(kind, obj)
        self._guard(old, obj)
        self._record("update", kind, obj)
        return self.put({**obj, **_head(kind), "metadata": {**old["metadata"], **obj["metadata"]}})

    async def apply(self, kind: Kind, obj: Object, *, manager: str) -> Object:
        self._enter(kind)
        old = self._stored(kind, obj)
        self._guard(old, obj)
        self._record("patch", kind, obj, manager=manager)
        new = {**obj, **_head(kind)}
        if old is None:
            return self.put(new)
        return self._merge(old, new)

    async def apply_status(self, kind: Kind, obj: Object, *, manager: str) -> Object:
        self._enter(kind)
        old = self._found(kind, obj)
        self._guard(old, obj)
        self._record("patch", kind, obj, "status", manager)
        return self.put({**old, "status": obj["status"]})

    async def merge_status(self, kind: Kind, obj: Object, *, manager: str) -> Object:
        self._enter(kind)
        old = self._found(kind, obj)
        self._guard(old, obj)
        self._record("patch", kind, obj, "status", manager)
        merged = {**old.get("status", {}), **obj["status"]}
        return self.put({**old, "status": {key: value for key, value in merged.items() if value is not None}})

    async def delete(self, kind: Kind, obj: Object) -> None:
        self._enter(kind)
        old = self._stored(kind, obj)
        if old is None or old["metadata"]["uid"] != obj["metadata"]["uid"]:
            return
        self._record("delete", kind, obj)
        self.drop(kind, old["metadata"]["namespace"], old["metadata"]["name"])

    def _merge(self, old: Object, new: Object) -> Object:
        # The intent replaces everything but what the apiserver and others own.
        metadata = {**old["metadata"], **new["metadata"]}
        merged = {**old, **new, "metadata": metadata}
        if merged.get("spec") != old.get("spec"):
            metadata["generation"] = int(old["metadata"]["generation"]) + 1
        metadata["resourceVersion"] = old["metadata"]["resourceVersion"]
        return copy.deepcopy(old) if merged == old else self.put(merged)

    def _enter(self, kind: Kind) -> None:
        if self._failures:
            raise self._failures.pop(0)
        if kind in self.missing:
            raise NotInstalled(f"the server could not find the requested resource {kind.plural}")

    def _stored(self, kind: Kind, obj: Object) -> Object | None:
        return self._store.get((kind.kind, obj["metadata"]["namespace"], obj["metadata"]["name"]))

    def _found(self, kind: Kind, obj: Object) -> Object:
        old = self._stored(kind, obj)
        if old is None:
            raise NotFound(f"{kind.plural} {obj['metadata']['name']!r} not found")
        return old

    def _guard(self, old: Object | None, obj: Object) -> None:
        version = obj["metadata"].get("resourceVersion")
        if version is not None and (old is None or old["metadata"]["resourceVersion"] != version):
            raise Conflict("the object has been modified")

    def _record(self, verb: str, kind: Kind, obj: Object, subresource: str = "", manager: str = "") -> None:
        namespace, name = obj["metadata"]["namespace"], obj["metadata"]["name"]
        body = copy.deepcopy(obj)
        self.writes.append(Write(verb, kind.kind, namespace, name, subresource, body, manager))


def _head(kind: Kind) -> Object:
    return {"apiVersion": kind.api_version, "kind": kind.kind}
