"""Waiting on a condition with a deadline."""

from __future__ import annotations

import time
from collections.abc import Callable


class TimedOutError(RuntimeError):
    """A condition was not met before its deadline."""


def until(condition: Callable[[], bool], *, what: str, seconds: float, every: float = 0.1) -> None:
    """Return when the condition holds.

    Raises:
        TimedOutError: it did not within `seconds`; the message names `what`.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimedOutError(f"waited {seconds:.0f} s in vain for {what}")
        time.sleep(every)
