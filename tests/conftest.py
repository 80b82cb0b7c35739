"""`--results FILE` keeps what a long suite showed: each test with what it measured, and the machine."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

OUTCOMES = ("passed", "failed", "error")


def pytest_addoption(parser: pytest.Parser) -> None:
    """The option."""
    parser.addoption("--results", type=Path, help="write outcomes, properties and the machine to this JSON file")


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Write the file, if it is asked for; also over all processes that shared the work."""
    path: Path | None = config.getoption("--results")
    if path is None:
        return
    machine = {"cores": os.cpu_count(), "system": platform.platform()}
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {"machine": machine, "tests": sorted(_tests(terminalreporter), key=lambda each: str(each["test"]))}
    path.write_text(json.dumps(content, indent=1) + "\n")


def _tests(terminalreporter: Any) -> Iterator[dict[str, object]]:
    for outcome in OUTCOMES:
        for each in terminalreporter.getreports(outcome):
            told = dict(each.user_properties)
            yield {"test": each.nodeid, "outcome": outcome, "seconds": round(each.duration), **told}
