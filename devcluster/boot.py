"""Which boot of the machine the state on disk belongs to."""

from __future__ import annotations

from pathlib import Path

from . import paths

_FILE = paths.STATE / "boot"


def _current() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text()


def record() -> None:
    """Note that the state belongs to this boot."""
    paths.STATE.mkdir(parents=True, exist_ok=True)
    _FILE.write_text(_current())


def is_same() -> bool:
    """Whether the state belongs to this boot."""
    return _FILE.exists() and _FILE.read_text() == _current()
