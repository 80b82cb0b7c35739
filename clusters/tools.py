"""Programs of this machine, or of ours where it has none."""

from __future__ import annotations

import shutil

from devcluster import go


def program(name: str) -> str:
    """The path of `kind` or `kubectl`: on PATH, else built from its Go module."""
    return shutil.which(name) or str(go.build(name))
