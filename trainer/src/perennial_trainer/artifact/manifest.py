"""The manifest: name, digest and size of every file of an artifact. Its own digest is the artifact's identity."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from perennial_trainer.canonical import canonical_json, digest_file
from perennial_trainer.errors import WorkError

FILE_NAME = "manifest.json"


@dataclass(frozen=True, order=True)
class Entry:
    """One file: its path below the artifact's folder, its SHA-256 (64 hexadecimal digits), its size in bytes."""

    path: str
    sha256: str
    size: int


def describe(folder: Path, names: Iterable[str]) -> tuple[Entry, ...]:
    """Entries of files that are in a folder, sorted by path."""
    return tuple(sorted(Entry(name, digest_file(folder / name), (folder / name).stat().st_size) for name in names))


def encode(entries: Iterable[Entry]) -> bytes:
    """The bytes of manifest.json: equal entries give equal bytes."""
    files = [{"path": e.path, "sha256": e.sha256, "size": e.size} for e in sorted(entries)]
    return canonical_json({"files": files}) + b"\n"


def decode(data: bytes) -> tuple[Entry, ...]:
    """Read manifest.json.

    Raises:
        WorkError: ``ManifestInvalid`` when it is no manifest or names a file outside its folder.
    """
    try:
        raw = json.loads(data)
        entries = tuple(Entry(**{key: item[key] for key in ("path", "sha256", "size")}) for item in raw["files"])
    except (ValueError, TypeError, KeyError) as error:
        raise WorkError("ManifestInvalid", f"{FILE_NAME} is not a manifest: {error!r}.") from error
    seen: set[str] = set()
    for entry in entries:
        if not _plain(entry) or entry.path in seen:
            raise WorkError("ManifestInvalid", f"{FILE_NAME} has an entry that is not a file of its own: {entry!r}.")
        seen.add(entry.path)
    return entries


def _plain(entry: Any) -> bool:
    if not (isinstance(entry.path, str) and isinstance(entry.sha256, str) and type(entry.size) is int):
        return False
    parts = PurePosixPath(entry.path).parts
    return bool(parts) and not entry.path.startswith("/") and ".." not in parts and entry.path != FILE_NAME
