"""Container images as docker-archive tars (the layout of `docker save`), without a daemon or a registry.

The same input gives the same bytes: times are fixed, owners are root, entries keep their order.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import posixpath
import tarfile
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

EPOCH = 1_700_000_000  # 2023-11-14T22:13:20Z
_CREATED = "2023-11-14T22:13:20Z"
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Entry:
    """One file or folder of a layer.

    Attributes:
        path: absolute path in the image.
        content: a file's source or bytes; None is a folder.
        mode: permissions.
        owner: user and group id.
    """

    path: str
    content: Path | bytes | None = None
    mode: int = 0o755
    owner: int = 0


def _header(name: str, *, mode: int, size: int = 0, kind: bytes = tarfile.REGTYPE, owner: int = 0) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.mode, info.size, info.type, info.mtime = mode, size, kind, EPOCH
    info.uid = info.gid = owner
    return info


def _add(archive: tarfile.TarFile, name: str, content: Path | bytes, *, mode: int = 0o644, owner: int = 0) -> None:
    if isinstance(content, bytes):
        archive.addfile(_header(name, mode=mode, size=len(content), owner=owner), io.BytesIO(content))
        return
    with content.open("rb") as source:
        size = os.fstat(source.fileno()).st_size
        archive.addfile(_header(name, mode=mode, size=size, owner=owner), source)


def _with_parents(entries: Iterable[Entry]) -> list[Entry]:
    wanted = {entry.path: entry for entry in entries}
    for path in list(wanted):
        while (path := posixpath.dirname(path)) != "/":
            wanted.setdefault(path, Entry(path))
    return [wanted[path] for path in sorted(wanted)]


def write_layer(target: Path, entries: Iterable[Entry]) -> None:
    """Write a layer: the entries sorted by path, with the folders above them (0755) where they are not given."""
    with tarfile.open(target, "w", format=tarfile.PAX_FORMAT) as archive:
        for entry in _with_parents(entries):
            name = entry.path.lstrip("/")
            if entry.content is None:
                archive.addfile(_header(name, mode=entry.mode, kind=tarfile.DIRTYPE, owner=entry.owner))
            else:
                _add(archive, name, entry.content, mode=entry.mode, owner=entry.owner)


def _sha256(path: Path) -> str:
    total = hashlib.sha256()
    with path.open("rb") as source:
        while block := source.read(_CHUNK):
            total.update(block)
    return total.hexdigest()


def _config(digests: Sequence[str], settings: Mapping[str, Any]) -> bytes:
    config = {
        "architecture": "amd64",
        "os": "linux",
        "created": _CREATED,
        "config": dict(settings),
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{each}" for each in digests]},
        "history": [{"created": _CREATED, "created_by": "perennial devcluster"} for _ in digests],
    }
    return json.dumps(config, sort_keys=True).encode()


def write_archive(target: Path, reference: str, layers: Sequence[Path], settings: Mapping[str, Any]) -> None:
    """Write an image.

    Args:
        target: the tar to write; it appears only when it is whole.
        reference: NAME:TAG; the tag is required and not `latest`, which kubelets always pull.
        layers: uncompressed layer tars, lowest first.
        settings: the image's `config`, as in {"Entrypoint": ["/pause"], "User": "65532:65532"}.

    Raises:
        ValueError: the reference has no tag, or `latest`.
    """
    tag = reference.rpartition("/")[2].partition(":")[2]
    if tag in {"", "latest"}:
        raise ValueError(f"{reference} needs a tag, and not latest")
    digests = [_sha256(layer) for layer in layers]
    config = _config(digests, settings)
    config_name = f"{hashlib.sha256(config).hexdigest()}.json"
    names = [f"{digest}/layer.tar" for digest in digests]
    manifest = [{"Config": config_name, "RepoTags": [reference], "Layers": names}]
    with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as folder:
        whole = Path(folder) / target.name
        with tarfile.open(whole, "w", format=tarfile.PAX_FORMAT) as archive:
            for name, layer in zip(names, layers, strict=True):
                _add(archive, name, layer)
            _add(archive, config_name, config)
            _add(archive, "manifest.json", json.dumps(manifest).encode())
        whole.rename(target)
