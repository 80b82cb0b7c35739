"""The story on a terminal as it happens: a live table, or plain lines when it is not a terminal."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Protocol

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from demo.scene import Row, Scene
from demo.tally import Tally

_PLAIN_SECONDS = 5.0
# With the seconds before it a line has 160 characters at most.
_PLAIN_WIDTH = 148


class View(Protocol):
    """Where the story is shown."""

    def say(self, text: str) -> None:
        """Add lines that stay."""

    def show(self, scene: Scene, rows: Sequence[Row], tally: Tally, evidence: str) -> None:
        """Show the state as it is now; the evidence is empty while there is none."""


def sentence(scene: Scene) -> str:
    """What the operator says about what is going on."""
    analysis = scene.deployment.analysis
    if analysis is None or scene.deployment.canary is None:
        about = (scene.training(), *(scene.condition(each)[2] for each in ("Stalled", "Reconciling", "UpToDate")))
        return next((each for each in about if each), "")
    told = analysis.verdict if analysis.reason == analysis.verdict else f"{analysis.verdict} {analysis.reason}"
    return f"{told}: {analysis.message}"


def traffic_line(tally: Tally) -> str:
    """The load client's counts in a line."""
    if not tally.sent:
        return "no traffic yet"
    counts = f"{tally.sent:,} requests, {tally.lost_total or 'none'} lost"
    typical, slow = tally.quantile(0.5), tally.quantile(0.99)
    return counts if slow is None else f"{counts}, median {typical} ms, 99 of 100 within {slow} ms"


def plain_line(scene: Scene, rows: Sequence[Row], tally: Tally, evidence: str) -> str:
    """The state in one line, for logs."""
    parts = [f"v{row.version} {_part(row)}" for row in rows if row.role]
    if tally.sent:
        parts.append(f"{tally.sent:,} requests, {tally.lost_total or 'none'} lost")
    line = " | ".join([*parts, *filter(None, [evidence]), sentence(scene)])
    return line if len(line) <= _PLAIN_WIDTH else line[: _PLAIN_WIDTH - 1] + "…"


def _part(row: Row) -> str:
    errors = f", {row.errors} bad" if row.errors else ""
    return f"{row.role} {row.weight}".rstrip() + f" ({row.requests:,}{errors})"


def table(rows: Sequence[Row]) -> Table:
    """The rows as a table for a terminal."""
    drawn = Table(expand=False)
    for title in ("version", "metric", "approval", "role", "weight"):
        drawn.add_column(title)
    drawn.add_column("requests", justify="right")
    drawn.add_column("errors", justify="right")
    for row in rows:
        errors = Text(f"{row.errors:,}", style="bold red" if row.errors else "")
        cells = (f"v{row.version}", row.metric, row.approval, row.role, row.weight, f"{row.requests:,}")
        drawn.add_row(*cells, errors, style={"stable": "green", "canary": "yellow"}.get(row.role, "dim"))
    return drawn


class Terminal:
    """Shows the story; every line that stays also goes into a transcript.

    Args:
        transcript: the file; written anew.
        console: where to print.
    """

    def __init__(self, transcript: Path, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        transcript.parent.mkdir(parents=True, exist_ok=True)
        self._file = transcript.open("w", buffering=1)
        self._console = console
        self._clock = clock
        self._start = clock()
        self._live = Live(console=console, auto_refresh=False, transient=True) if console.is_terminal else None
        self._last = ("", 0.0)

    def __enter__(self) -> Terminal:
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            self._live.stop()
        self._file.close()

    def say(self, text: str) -> None:
        """Add lines that stay, the first with the seconds since the start."""
        stamped = f"[{self._clock() - self._start:5.0f} s] {text}"
        print(stamped, file=self._file)
        self._console.print(Text(stamped), soft_wrap=True)

    def show(self, scene: Scene, rows: Sequence[Row], tally: Tally, evidence: str) -> None:
        """Draw the table anew; in plain form a line when the roles or weights change, and every few seconds."""
        line, now = plain_line(scene, rows, tally, evidence), self._clock()
        key = " ".join(f"{row.version}{row.role}{row.weight}" for row in rows)
        due = key != self._last[0] or now - self._last[1] >= _PLAIN_SECONDS
        if self._live:
            below = [
                Text(each) for each in (traffic_line(tally), evidence and f"evidence: {evidence}", sentence(scene))
            ]
            self._live.update(Group(table(rows), *below), refresh=True)
        if due:
            self._last = (key, now)
            stamped = f"[{now - self._start:5.0f} s]   {line}"
            print(stamped, file=self._file)
            if not self._live:
                self._console.print(Text(stamped), soft_wrap=True)
