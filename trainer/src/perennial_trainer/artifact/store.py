"""Write an artifact atomically, and read one only after every byte was checked."""

import contextlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from perennial_trainer.artifact import card, manifest
from perennial_trainer.canonical import digest_bytes, digest_file
from perennial_trainer.errors import WorkError


@dataclass(frozen=True)
class Artifact:
    """A folder whose files were found to be what the manifest says."""

    folder: Path
    sha256: str
    entries: tuple[manifest.Entry, ...]

    @property
    def size_bytes(self) -> int:
        """Size of all files but the manifest."""
        return sum(entry.size for entry in self.entries)

    def read(self, name: str) -> bytes:
        """A file's bytes, checked again as they are read, so that nothing can change in between.

        Raises:
            WorkError: ``ArtifactInvalid`` when there is no such file, ``DigestMismatch`` when it has changed.
        """
        entry = next((entry for entry in self.entries if entry.path == name), None)
        if entry is None:
            raise WorkError("ArtifactInvalid", f"The artifact {self.sha256} has no file {name}.")
        data = (self.folder / name).read_bytes()
        if digest_bytes(data) != entry.sha256:
            raise _mismatch(name, "has changed while it was read")
        return data

    def card(self) -> card.Card:
        """The model card.

        Raises:
            WorkError: ``ArtifactInvalid`` when it is none.
        """
        try:
            return card.Card.from_json(json.loads(self.read(card.FILE_NAME)))
        except (ValueError, KeyError, TypeError) as error:
            raise WorkError("ArtifactInvalid", f"{card.FILE_NAME} is not a model card: {error!r}.") from error


def write(root: Path, files: Mapping[str, bytes]) -> Artifact:
    """Write files and their manifest to ``root/<sha256 of the manifest>``; whoever sees that folder sees all of it.

    Raises:
        WorkError: ``OutputUnwritable``.
    """
    try:
        with _temporary(root) as folder:
            for name, data in files.items():
                _write_file(folder / name, data)
            entries = manifest.describe(folder, files)
            _write_file(folder / manifest.FILE_NAME, manifest.encode(entries))
            sha256 = digest_file(folder / manifest.FILE_NAME)
            final = root / sha256
            if not final.exists():  # the same bytes may be there from an attempt that ended after its rename
                folder.rename(final)
    except OSError as error:
        raise WorkError("OutputUnwritable", f"The artifact cannot be written to {root}: {error}.") from error
    return Artifact(final, sha256, entries)


def verify(folder: Path, sha256: str) -> Artifact:
    """Check that a folder holds exactly the files of the manifest with this digest.

    Raises:
        WorkError: ``ArtifactNotFound``, ``ManifestInvalid`` or ``DigestMismatch``.
    """
    path = folder / manifest.FILE_NAME
    if not path.is_file():
        raise WorkError("ArtifactNotFound", f"There is no artifact in {folder}: it has no {manifest.FILE_NAME}.")
    data = path.read_bytes()
    if digest_bytes(data) != sha256.lower():
        raise _mismatch(manifest.FILE_NAME, f"has sha256 {digest_bytes(data)}, not {sha256}")
    entries = manifest.decode(data)
    for entry in entries:
        _check_file(folder, entry)
    present = {str(p.relative_to(folder)) for p in folder.rglob("*") if not p.is_dir()}
    extra = sorted(present - {entry.path for entry in entries} - {manifest.FILE_NAME})
    if extra:
        raise _mismatch(extra[0], "is not in the manifest")
    return Artifact(folder, sha256.lower(), entries)


def _check_file(folder: Path, entry: manifest.Entry) -> None:
    path = folder / entry.path
    if path.is_symlink() or not path.is_file():
        raise _mismatch(entry.path, "is missing")
    if path.stat().st_size != entry.size:
        raise _mismatch(entry.path, f"has {path.stat().st_size} bytes, not {entry.size}")
    if digest_file(path) != entry.sha256:
        raise _mismatch(entry.path, "has other bytes than the manifest says")


def _mismatch(name: str, problem: str) -> WorkError:
    return WorkError("DigestMismatch", f"The artifact is not the one that was registered: {name} {problem}.")


@contextlib.contextmanager
def _temporary(root: Path) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix=".incomplete-", dir=root))
    try:
        folder.chmod(0o755)  # the server runs under another uid
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)  # gone already when it was renamed


def _write_file(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    path.chmod(0o644)
