"""Locks between processes, by flock: the kernel drops them however their holder ends."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .progress import say


@contextmanager
def locked(path: Path, *, what: str) -> Iterator[None]:
    """Hold the lock of a file or folder; a missing path is made as an empty file.

    Args:
        path: what to lock. An existing folder will do, and leaves no file behind.
        what: said to a person who has to wait, as in "another process is busy with WHAT".
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDONLY | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"another process is busy with {what}: waiting for it")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
