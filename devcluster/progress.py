"""What a person sees while things are made: lines with the time since the start, and a sign of life in long steps."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

_START = time.monotonic()
_LOCK = threading.Lock()
_SIGN_OF_LIFE_SECONDS = 20.0
_QUIET_SECONDS = 2.0  # a step that was quicker than this gets no second line


def say(text: str) -> None:
    """Print one line to stderr with the seconds since the program started."""
    with _LOCK:
        print(f"{time.monotonic() - _START:7.1f} s  {text}", file=sys.stderr, flush=True)


def duration(seconds: float) -> str:
    """Seconds in words, as in "8 s" or "5 min 12 s"."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


@contextmanager
def step(title: str, about: float | None = None) -> Iterator[None]:
    """Announce a step, repeat it every 20 s while it runs and say how long it took.

    Args:
        title: what is being done, as in "Kubernetes: building".
        about: seconds that it takes on two cores, for the announcement.
    """
    started = time.monotonic()
    expected = f" (about {duration(about)})" if about else ""
    say(f"{title}{expected}")
    over = threading.Event()
    watcher = threading.Thread(target=_repeat, args=(title, expected, started, over), daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
    if (took := time.monotonic() - started) > _QUIET_SECONDS:
        say(f"{title}: done in {duration(took)}")


def _repeat(title: str, expected: str, started: float, over: threading.Event) -> None:
    while not over.wait(_SIGN_OF_LIFE_SECONDS):
        say(f"{title}: {duration(time.monotonic() - started)}{expected} ...")
