"""The objects of ours that watches have shown: used to add keys to the queue, never to decide anything."""

from collections.abc import Iterator
from dataclasses import dataclass

from perennial.core.queue import Key
from perennial.ports.kube import Object


@dataclass(frozen=True)
class _Entry:
    model: str
    run: str


class Known:
    """Small by design: a key, the model it belongs to, the run a version came from."""

    def __init__(self) -> None:
        self._entries: dict[Key, _Entry] = {}

    def put(self, key: Key, obj: Object) -> None:
        """The object exists; its links replace those known before."""
        spec = obj.get("spec") or {}
        run = (spec.get("trainingRunRef") or {}).get("name", "")
        self._entries[key] = _Entry(model=str(spec.get("modelName", "")), run=str(run))

    def forget(self, key: Key) -> None:
        """The object is gone."""
        self._entries.pop(key, None)

    def all(self) -> list[Key]:
        """All keys."""
        return list(self._entries)

    def of_kind(self, kind: str) -> list[Key]:
        """All keys of one kind."""
        return [key for key in self._entries if key.kind == kind]

    def of_model(self, kind: str, namespace: str, model: str) -> Iterator[Key]:
        """Keys of one kind that belong to a model."""
        for key, entry in self._entries.items():
            if (key.kind, key.namespace, entry.model) == (kind, namespace, model):
                yield key
