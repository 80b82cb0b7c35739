"""The base of our images: a small Debian with Python, made by mmdebstrap from the machine's own apt sources."""

from __future__ import annotations

import os
import platform
import tempfile
from collections.abc import Iterator
from pathlib import Path

from . import run
from .archive import EPOCH, write_archive
from .storing import digest

SECONDS = 45
_SOURCES = Path("/etc/apt")
_INCLUDE = "python3,python3-venv,ca-certificates,tini"
_OMITTED = ("man", "info", "locale", "doc")
_OPTIONS = [
    "--variant=minbase",
    "--mode=root",
    f"--include={_INCLUDE}",
    '--aptopt=Apt::Install-Recommends "false"',
    '--aptopt=Acquire::Languages "none"',
    *(f"--dpkgopt=path-exclude=/usr/share/{each}/*" for each in _OMITTED),
    "--dpkgopt=path-include=/usr/share/doc/*/copyright",
    '--customize-hook=chroot "$1" useradd --uid 65532 --user-group --no-create-home --home-dir /tmp '
    "--shell /usr/sbin/nologin nonroot",
    # what differs from machine to machine, or is of no use without apt
    '--customize-hook=rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/apt/* "$1"/var/cache/debconf/*-old '
    '"$1"/var/log/* "$1"/usr/share/locale/*; : >"$1"/etc/hostname; : >"$1"/etc/resolv.conf',
]
_SETTINGS = {
    "Env": [
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "LANG=C.UTF-8",
        "PYTHONDONTWRITEBYTECODE=1",
    ],
    "Cmd": ["python3"],
    "WorkingDir": "/",
}


def key() -> str:
    """Hash of the recipe."""
    return digest([_codename(), *_OPTIONS, str(_SETTINGS), str(EPOCH)])


def make(target: Path, reference: str) -> None:
    """Write the docker-archive."""
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        root = Path(folder) / "root.tar"
        command = ["mmdebstrap", *_OPTIONS, _codename(), str(root), *map(str, debian_sources())]
        run.logged("base", command, env={**os.environ, "SOURCE_DATE_EPOCH": str(EPOCH)})
        write_archive(target, reference, [root], _SETTINGS)


def _codename() -> str:
    return platform.freedesktop_os_release()["VERSION_CODENAME"]


def debian_sources(directory: Path = _SOURCES) -> list[Path]:
    """The apt source files that hold this Debian's own packages; not those that other vendors added.

    Raises:
        RuntimeError: there is none.
    """
    found = [path for path in _candidates(directory) if _is_debians(path.read_text(), _codename())]
    if not found:
        raise RuntimeError(f"no apt source under {directory} has {_codename()} main")
    return found


def _candidates(directory: Path) -> Iterator[Path]:
    for pattern in ("sources.list", "sources.list.d/*.list", "sources.list.d/*.sources"):
        yield from sorted(directory.glob(pattern))


def _is_debians(text: str, codename: str) -> bool:
    lines = [line.split() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    if any(words[0] in {"deb", "deb-src"} for words in lines):
        return any(codename in words and "main" in words for words in lines)
    fields = {words[0]: words[1:] for words in reversed(lines)}
    return codename in fields.get("Suites:", []) and "main" in fields.get("Components:", [])
