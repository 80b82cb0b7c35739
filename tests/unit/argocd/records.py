"""Objects as the reconcilers left them on a real apiserver, one file for each situation of docs/conditions.md.

`make records` writes them anew; tests/apiserver/gitops/test_records.py fails when they are not what comes of it now.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "recorded"


@dataclass(frozen=True)
class Record:
    """A recorded object; `row` is its situation's row in docs/conditions.md, under its kind."""

    kind: str
    name: str
    row: str
    object: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}"

    @property
    def path(self) -> Path:
        return FOLDER / self.kind / f"{self.name}.json"

    @property
    def conditions(self) -> dict[str, tuple[str, str]]:
        """Type -> status and reason."""
        found = self.object.get("status", {}).get("conditions", [])
        return {each["type"]: (each["status"], each["reason"]) for each in found}

    def write(self) -> None:
        """To its file."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"row": self.row, "object": self.object}, indent=1, sort_keys=True)
        self.path.write_text(text + "\n")


def read(path: Path) -> Record:
    """The record in a file."""
    found = json.loads(path.read_text())
    return Record(path.parent.name, path.stem, found["row"], found["object"])


@cache
def records() -> tuple[Record, ...]:
    """All that are recorded."""
    return tuple(read(path) for path in sorted(FOLDER.glob("*/*.json")))
