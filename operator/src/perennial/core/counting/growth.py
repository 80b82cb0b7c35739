"""What counters grew by, from raw samples.

Not `increase()` or `rate()`: both extrapolate, and a counter has no series before its first event. Here every pair of
consecutive scrapes gives an exact increment. A drop is a restart, from 0. A series that appears while its process was
already being scraped counts from 0; a process seen for the first time only sets the baseline (it might be old). What
was not scraped for longer than GAP_SECONDS is left out, by its time alone. So an increment depends on no sample that is
older than LOOKBACK_SECONDS: whoever reads that much first, and then everything once, arrives at the same increments.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

GAP_SECONDS = 300.0
MEMORY_SECONDS = 60.0
LOOKBACK_SECONDS = 2 * GAP_SECONDS + MEMORY_SECONDS
UNANSWERED = "unanswered"
"""A slot whose value is believed only once two scrapes in a row show it, see `_lost`."""

Labels = tuple[tuple[str, str], ...]
Process = Labels
"""The labels of one scraped process."""
LineKey = tuple[Process, Labels]
"""A process, and what tells apart series of it that are counted one by one."""
Values = Mapping[str, float]
"""One scrape's counters by slot: a class of answers, an edge of a histogram."""
Scrapes = Mapping[LineKey, Mapping[float, Values]]
"""One version's scrapes by line and time (Unix seconds)."""

_PROCESS_LABELS = ("instance", "job", "namespace", "pod")


def process_of(labels: Mapping[str, str]) -> Process:
    """Which scraped process a series is of. Labels that replicas of a Prometheus (an HA pair) add play no part."""
    return tuple([(name, labels[name]) for name in _PROCESS_LABELS if name in labels])


@dataclass(frozen=True, slots=True)
class Line:
    """Counters as they were last seen. `losses` are unanswered requests that two scrapes confirmed, by time."""

    time: float
    values: Values
    losses: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Increment:
    """What the slots of one line grew by between two of its scrapes, at `start` and `end` (Unix seconds)."""

    start: float
    end: float
    grown: Values


@dataclass(frozen=True)
class Tails:
    """Where reading goes on: both versions' lines, and when each process was last scraped."""

    canary: Mapping[LineKey, Line] = field(default_factory=dict)
    stable: Mapping[LineKey, Line] = field(default_factory=dict)
    seen: Mapping[Process, float] = field(default_factory=dict)


@dataclass
class Grown:
    """New increments of one version, and the times of its new scrapes."""

    increments: list[Increment] = field(default_factory=list)
    times: list[float] = field(default_factory=list)

    def between(self, start: float, end: float, unclear: Iterable[tuple[float, float]] = ()) -> dict[str, float]:
        """By slot, the sum of the increments that end in (start, end], without those that overlap `unclear` times.

        The latter may hold requests of two weights; they are left out by their times alone, never by their counts.
        """
        total: defaultdict[str, float] = defaultdict(float)
        for one in self.increments:
            inside = start < one.end <= end
            if inside and not any(one.start < last and one.end > first for first, last in unclear):
                for slot, value in one.grown.items():
                    total[slot] += value
        return total

    def last(self, start: float, end: float) -> float:
        """The last scrape in (start, end]; 0 if there is none."""
        return max((time for time in self.times if start < time <= end), default=0.0)


def follow(tails: Tails, canary: Scrapes, stable: Scrapes) -> tuple[Tails, Grown, Grown]:
    """Read on: scrapes that are not newer than the last one of their process (late or doubled) change nothing."""
    seen = dict(tails.seen)
    versions = ((dict(tails.canary), Grown()), (dict(tails.stable), Grown()))
    by_process: defaultdict[Process, list[_Member]] = defaultdict(list)
    for (lines, grown), scrapes in zip(versions, (canary, stable), strict=True):
        for key, by_time in scrapes.items():
            by_process[key[0]].append(_Member(key, by_time, lines, grown))
    for process, members in by_process.items():
        last = seen.get(process)
        for time in sorted({time for member in members for time in member.by_time}):
            if last is None or time > last:
                for member in members:
                    member.read(time, last)
                last = seen[process] = time
    newest = max(seen.values(), default=0.0)
    kept = {process: time for process, time in seen.items() if time >= newest - LOOKBACK_SECONDS}
    ours, theirs = ({key: line for key, line in lines.items() if key[0] in kept} for lines, _ in versions)
    return Tails(ours, theirs, kept), versions[0][1], versions[1][1]


@dataclass
class _Member:
    """One line of one version, while a process' scrapes are read in order of time."""

    key: LineKey
    by_time: Mapping[float, Values]
    lines: dict[LineKey, Line]
    grown: Grown

    def read(self, time: float, seen: float | None) -> None:
        values = self.by_time.get(time)
        if values is None:
            return
        self.grown.times.append(time)
        before = self.lines.get(self.key)
        if before is None or time - before.time > GAP_SECONDS:
            known = seen is not None and time - seen <= GAP_SECONDS
            before = Line(seen, {}, ((seen, 0.0),)) if known and seen is not None else None
        if before is None:
            self.lines[self.key] = Line(time, values)
            return
        self.lines[self.key], increment = _grow(before, time, values)
        self.grown.increments.append(increment)


def _grow(before: Line, time: float, values: Values) -> tuple[Line, Increment]:
    if any(values.get(slot, value) < value for slot, value in before.values.items() if slot != UNANSWERED):
        before = Line(before.time, {}, ((before.time, 0.0),))
    grown = {slot: value - before.values.get(slot, 0.0) for slot, value in values.items() if slot != UNANSWERED}
    losses: tuple[tuple[float, float], ...] = ()
    if UNANSWERED in values:
        grown[UNANSWERED], losses = _lost(before, time, values[UNANSWERED])
    return Line(time, values, losses), Increment(before.time, time, grown)


def _lost(before: Line, time: float, unanswered: float) -> tuple[float, tuple[tuple[float, float], ...]]:
    """Newly confirmed losses: one scrape alone also catches requests that were answered while it was written.

    Compared with the highest of the last minute: a scrape that caught requests just beginning shows fewer losses, and
    must not make the next one count them again.
    """
    was = before.values.get(UNANSWERED, 0.0)
    twice = min(was, unanswered)
    recent = [loss for loss in before.losses if loss[0] > before.time - MEMORY_SECONDS]
    fresh = max(0.0, twice - max((lost for _, lost in recent), default=was))
    return fresh, (*(loss for loss in recent if loss[1] > twice), (time, twice))
