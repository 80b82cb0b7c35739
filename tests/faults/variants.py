"""From the recorded run to its variants, several in one run: one fault in each act, whose end is compared."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field

from tests.faults.faults import AFTER, BEFORE, CrashAt, Fault
from tests.faults.lane import Lane
from tests.faults.recording import Outcome, Recording, compare

OpenLane = Callable[[], AbstractAsyncContextManager[Lane]]
SIDE_BY_SIDE = 3


@dataclass
class Summary:
    """What came of many runs."""

    runs: int = 0
    fired: dict[str, int] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    crashes: int = 0
    lost_events: int = 0

    def add(self, outcome: Outcome) -> None:
        self.runs += 1
        self.fired |= outcome.fired
        self.crashes += outcome.crashes
        self.lost_events += outcome.lost_events


def crashes(recording: Recording, when: Sequence[str] = (BEFORE, AFTER)) -> list[list[Fault]]:
    """For every act, a crash at each of its effective writes, before and after."""
    return [
        [CrashAt(signature=name, occurrence=n, when=w) for name, n in act.writes for w in when] for act in recording
    ]


def packed(variants: list[list[Fault]]) -> list[list[Fault | None]]:
    """Runs that together have every variant: the n-th run has the n-th of each act, where there is one."""
    longest = max(map(len, variants))
    return [[each[n] if n < len(each) else None for each in variants] for n in range(longest)]


def alone(variants: list[list[Fault]]) -> list[list[Fault | None]]:
    """One run for each variant, which has no other fault."""
    acts = range(len(variants))
    return [[fault if act == own else None for act in acts] for own in acts for fault in variants[own]]


def chosen(recording: Recording, runs: list[list[Fault | None]], words: str) -> list[list[Fault | None]]:
    """Only the faults whose act and name contain `words`; runs without one are left out."""
    acts = [each.act.name for each in recording]
    kept = [
        [f if f and words in f"{act}: {f.name}" else None for act, f in zip(acts, run, strict=True)] for run in runs
    ]
    return [run for run in kept if any(run)]


async def play(open_lane: OpenLane, recording: Recording, runs: list[list[Fault | None]]) -> Summary:
    """All runs, a few side by side; a failure ends its own run only."""
    summary, left = Summary(), list(reversed(runs))

    async def work() -> None:
        while left:
            faults = left.pop()
            try:
                async with open_lane() as lane:
                    summary.add(await compare(lane, recording, faults.__getitem__))
            except AssertionError as error:
                summary.failures.append(str(error))

    await asyncio.gather(*(work() for _ in range(SIDE_BY_SIDE)))
    return summary
