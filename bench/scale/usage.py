"""What the operator's process uses: CPU, memory, and calls of the apiserver."""

from __future__ import annotations

import os
import re
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tests.apiserver.support import OperatorProcess

TICKS = os.sysconf("SC_CLK_TCK")
Call = tuple[str, str]


@dataclass(frozen=True)
class Usage:
    """At one moment: monotonic seconds, CPU seconds since the start, resident MB now and at most, calls so far."""

    at: float
    cpu: float
    rss: float
    peak: float
    calls: Counter[Call]


def usage(process: OperatorProcess, pid: int) -> Usage:
    """Now. Reading the operator's own metrics costs it a little, too."""
    calls = _calls(process)
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    status = Path(f"/proc/{pid}/status").read_text()
    cpu = (int(fields[11]) + int(fields[12])) / TICKS
    return Usage(time.monotonic(), cpu, _megabytes(status, "VmRSS"), _megabytes(status, "VmHWM"), calls)


def _megabytes(status: str, name: str) -> float:
    found = re.search(rf"^{name}:\s+(\d+) kB", status, re.MULTILINE)
    assert found is not None, status
    return int(found[1]) / 1024


def _calls(process: OperatorProcess) -> Counter[Call]:
    counted: Counter[Call] = Counter()
    for labels, count in process.samples("perennial_api_calls_total").items():
        said = dict(re.findall(r'(\w+)="([^"]*)"', labels))
        counted[said["verb"], said["resource"]] += int(count)
    return counted


def per_minute(before: Usage, after: Usage) -> dict[str, float]:
    """Calls a minute by verb and object."""
    minutes = (after.at - before.at) / 60
    made = after.calls - before.calls
    return {f"{verb} {plural}": round(count / minutes, 1) for (verb, plural), count in sorted(made.items())}
