"""The one status write at the end of a pass."""

from typing import Any

from perennial.ports.kinds import Kind
from perennial.ports.kube import Kube, Object


async def write_status(kube: Kube, kind: Kind, obj: Object, status: dict[str, Any], manager: str) -> bool:
    """Apply `status` if it differs from what `obj` was read with; say whether anything was written.

    The write carries the resourceVersion of `obj`, so a decision on a stale reading becomes a Conflict. A field left
    out of `status` is taken out of the object, also one that somebody else wrote (a backup that was restored): what is
    read there next is taken for our own memory. Raises KubeError.
    """
    wanted = _without_none(status)
    if wanted == obj.get("status", {}):
        return False
    source = obj["metadata"]
    metadata = {name: source[name] for name in ("namespace", "name", "uid", "resourceVersion")}
    written = await kube.apply_status(kind, {"metadata": metadata, "status": wanted}, manager=manager)
    others = _correction(written.get("status", {}), wanted)
    if others:
        metadata["resourceVersion"] = written["metadata"]["resourceVersion"]
        await kube.merge_status(kind, {"metadata": metadata, "status": others}, manager=manager)
    return True


def _correction(have: dict[str, Any], wanted: dict[str, Any]) -> dict[str, Any]:
    """The JSON merge patch (RFC 7396) that makes `wanted` of `have`; empty if they are equal."""
    patch: dict[str, Any] = dict.fromkeys(have.keys() - wanted.keys())
    for key, value in wanted.items():
        old = have.get(key)
        if isinstance(value, dict) and isinstance(old, dict):
            inner = _correction(old, value)
            patch |= {key: inner} if inner else {}
        elif value != old:
            patch[key] = value
    return patch


def _without_none(value: Any) -> Any:
    """The apiserver drops nulls, so they would differ from what is read back for ever."""
    if isinstance(value, dict):
        return {key: _without_none(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_without_none(item) for item in value]
    return value
