"""The one status write at the end of a pass."""

from typing import Any

from perennial.ports.kinds import Kind
from perennial.ports.kube import Kube, Object


async def write_status(kube: Kube, kind: Kind, obj: Object, status: dict[str, Any], manager: str) -> bool:
    """Apply `status` if it differs from what `obj` was read with; say whether anything was written.

    The write carries the resourceVersion of `obj`, so a decision on a stale reading becomes a Conflict. A field left
    out of `status` is taken out of the object. Raises KubeError.
    """
    wanted = _without_none(status)
    if wanted == obj.get("status", {}):
        return False
    source = obj["metadata"]
    metadata = {name: source[name] for name in ("namespace", "name", "uid", "resourceVersion")}
    await kube.apply_status(kind, {"metadata": metadata, "status": wanted}, manager=manager)
    return True


def _without_none(value: Any) -> Any:
    """The apiserver drops nulls, so they would differ from what is read back for ever."""
    if isinstance(value, dict):
        return {key: _without_none(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_without_none(item) for item in value]
    return value
