"""The load client as its parent sees it: start it, look at its counts, stop it."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path
from types import TracebackType

from demo.load import Load
from demo.tally import Tally

_END_SECONDS = 60


class TrafficError(RuntimeError):
    """The load client ended by itself."""


class Traffic:
    """A running load client; use it as a context manager, or `stop` it.

    Args:
        load: what is sent.
        rows: a file with one JSON object a line.
    """

    def __init__(self, load: Load, rows: Path) -> None:
        options = {"url": load.url, "host": load.host, "rate": load.rate, "timeout": load.timeout, "rows": rows}
        arguments = [f"--{name}={value}" for name, value in options.items()]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "demo.load", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # a Ctrl-C is for the parent, which stops it in order
        )
        self._tally = Tally()
        self._final = False
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def tally(self) -> Tally:
        """The latest counts, at most a second old.

        Raises:
            TrafficError: the client ended although nobody stopped it.
        """
        if self._process.poll() is not None and not self._final:
            raise TrafficError(f"the load client ended with {self._process.returncode}")
        return self._tally

    def stop(self) -> Tally:
        """Send nothing more, wait for the answers that are due, and return the final counts.

        Raises:
            TrafficError: the client gave no final counts.
        """
        if self._process.stdin and not self._process.stdin.closed:
            self._process.stdin.close()
        self._process.wait(_END_SECONDS)
        self._reader.join(_END_SECONDS)
        if not self._final:
            raise TrafficError(f"the load client ended with {self._process.returncode} and no final counts")
        return self._tally

    def __enter__(self) -> Traffic:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the client if it still runs; its counts do not matter any more."""
        if self._process.poll() is None:
            self._process.terminate()
            self._process.wait(_END_SECONDS)

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            raw = json.loads(line)
            self._tally = Tally.from_json(raw)
            self._final = raw["final"]
