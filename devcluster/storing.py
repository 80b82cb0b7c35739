"""Content-keyed folders in the cache: a name is there only when all of it is."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path


def digest(parts: Iterable[str | bytes]) -> str:
    """Hash of a sequence of texts (12 hexadecimal digits); where one ends and the next begins counts too."""
    total = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        total.update(len(data).to_bytes(8, "big") + data)
    return total.hexdigest()[:12]


def files_digest(root: Path, files: Iterable[Path]) -> str:
    """Hash of files' paths below a root, their executable bits and their bytes, in the order of their paths."""
    parts: list[str | bytes] = []
    for path in sorted(set(files)):
        parts += [str(path.relative_to(root)), str(bool(path.stat().st_mode & 0o100)), path.read_bytes()]
    return digest(parts)


def make_folder(target: Path, fill: Callable[[Path], None]) -> Path:
    """Return the folder, filled by `fill` first if it is not there yet; an interruption leaves no half of it."""
    if target.exists():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        temporary.chmod(0o755)
        fill(temporary)
        _settle(temporary, target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return target


def _settle(temporary: Path, target: Path) -> None:
    try:
        os.rename(temporary, target)
    except OSError:
        if not target.exists():  # someone else was quicker: theirs is as good
            raise


def write_if_changed(path: Path, content: str) -> None:
    """Write a file unless it says the same already: kube-proxy, for one, ends when its file is written at all."""
    if not path.exists() or path.read_text() != content:
        path.write_text(content)


def prune(folder: Path, pattern: str, keep: int) -> None:
    """Delete what matches the pattern in a folder, but for the newest few."""
    found = sorted(folder.glob(pattern), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in found[keep:]:
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
