"""What every benchmark writes: rows and goals as JSON, with the machine they were taken on."""

from __future__ import annotations

import json
import os
import platform
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Goal:
    """A figure that was aimed at. A goal that is missed stays in the list."""

    name: str
    value: float | None
    unit: str
    target: float
    better: Literal["lower", "higher"]

    @property
    def met(self) -> bool:
        """Whether `value` is at least as good as `target`; not without a value."""
        if self.value is None:
            return False
        return self.value <= self.target if self.better == "lower" else self.value >= self.target

    def line(self) -> str:
        """For a person."""
        value = "no value" if self.value is None else f"{self.value:.4g}"
        limit = "at most" if self.better == "lower" else "at least"
        return f"{'met   ' if self.met else 'MISSED'}  {self.name}: {value} {self.unit} ({limit} {self.target:g})"


def machine() -> dict[str, Any]:
    """Where the figures come from."""
    return {"cores": os.cpu_count(), "architecture": platform.machine(), "python": platform.python_version()}


def load() -> float:
    """How many processes wanted the CPU in the last minutes: above the number of cores, times are too long."""
    return round(os.getloadavg()[2], 1)


def read(name: str) -> dict[str, Any]:
    """What `write` wrote."""
    found: dict[str, Any] = json.loads((RESULTS / f"{name}.json").read_text())
    return found


def write(name: str, rows: list[dict[str, Any]], goals: list[Goal], **more: Any) -> Path:
    """bench/results/NAME.json."""
    content = {
        "machine": machine(),
        **more,
        "goals": [{**asdict(goal), "met": goal.met} for goal in goals],
        "rows": rows,
    }
    path = RESULTS / f"{name}.json"
    path.parent.mkdir(exist_ok=True)
    head = json.dumps({**content, "rows": []}, indent=1).removesuffix("[]\n}")
    lines = ",\n  ".join(json.dumps(row) for row in rows)
    path.write_text(f"{head}[\n  {lines}\n ]\n}}\n")
    return path
