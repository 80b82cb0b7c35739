"""What the operator's process uses: CPU, memory, and calls of the apiserver."""

from __future__ import annotations

import os
import re
import time
import urllib.error
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tests.apiserver.support import OperatorProcess

TICKS = os.sysconf("SC_CLK_TCK")
Call = tuple[str, str]


READS = ("get", "list")
PATIENCE_SECONDS = 120.0
"""On a crowded machine an operator that has just started answers late."""
OF_A_PASS = (
    ("get", "modeldeployments"),
    ("get", "httproutes"),
    ("list", "controllerrevisions"),
    ("list", "inferenceservices"),
    ("list", "modelversions"),
    ("list", "pods"),
    ("list", "servingruntimes"),
)
"""What nothing else reads; a pass also lists Jobs, which the passes of ModelVersions do too."""


@dataclass(frozen=True)
class Usage:
    """At one moment: monotonic seconds, CPU seconds since the start, resident MB now and at most, calls so far."""

    at: float
    cpu: float
    rss: float
    peak: float
    calls: Counter[Call]


def samples(process: OperatorProcess, name: str) -> dict[str, float]:
    """The operator's own metric, however long it takes to answer. Raises TimeoutError after PATIENCE_SECONDS."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return process.samples(name)
        except (TimeoutError, urllib.error.URLError) as error:
            if time.monotonic() > deadline:
                raise TimeoutError(f"the operator does not tell its metrics: {error}") from error


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
    for labels, count in samples(process, "perennial_api_calls_total").items():
        said = dict(re.findall(r'(\w+)="([^"]*)"', labels))
        counted[said["verb"], said["resource"]] += int(count)
    return counted


def per_minute(before: Usage, after: Usage) -> dict[str, float]:
    """Calls a minute by verb and object."""
    minutes = (after.at - before.at) / 60
    made = after.calls - before.calls
    return {f"{verb} {plural}": round(count / minutes, 1) for (verb, plural), count in sorted(made.items())}


def per_pass(before: Usage, after: Usage) -> dict[str, float]:
    """Reads and writes a minute, and reads of each pass over a ModelDeployment (each gets it once)."""
    minutes = (after.at - before.at) / 60
    made = {call: count for call, count in (after.calls - before.calls).items() if call[0] != "discover"}
    reads = sum(count for (verb, _), count in made.items() if verb in READS)
    writes = sum(count for (verb, plural), count in made.items() if verb not in READS and plural != "leases")
    passes = made.get(("get", "modeldeployments"), 0)
    own = sum(made.get(call, 0) for call in OF_A_PASS) + min(made.get(("list", "jobs"), 0), passes)
    return {
        "reads_per_minute": round(reads / minutes, 1),
        "writes_per_minute": round(writes / minutes, 1),
        "reads_per_pass": round(own / passes, 2) if passes else 0.0,
    }
