"""The three settings of the whole machine that the kubelet changes: kept before, put back after."""

from __future__ import annotations

import json
from pathlib import Path

from . import paths

_NAMES = ("vm/overcommit_memory", "kernel/panic", "kernel/panic_on_oops")
_ROOT = Path("/proc/sys")
_SAVED = paths.STATE / "sysctls.json"


def read() -> dict[str, str]:
    """The values now."""
    return {name: (_ROOT / name).read_text().strip() for name in _NAMES}


def save() -> None:
    """Keep the values unless an earlier start has: then ours may be the kubelet's."""
    if not _SAVED.exists():
        _SAVED.parent.mkdir(parents=True, exist_ok=True)
        temporary = _SAVED.with_suffix(".tmp")
        temporary.write_text(json.dumps(read()))
        temporary.rename(_SAVED)


def changed() -> dict[str, str]:
    """Kept values that differ from the values now, by name."""
    if not _SAVED.exists():
        return {}
    now = read()
    return {name: value for name, value in json.loads(_SAVED.read_text()).items() if now.get(name) != value}


def restore() -> None:
    """Put the kept values back."""
    for name, value in changed().items():
        (_ROOT / name).write_text(f"{value}\n")
    _SAVED.unlink(missing_ok=True)
