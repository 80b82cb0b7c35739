"""The tables of docs/conditions.md and docs/gitops.md, as the tests of health and kstatus need them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

DOCS = Path(__file__).parents[3] / "docs"
KINDS = ("ModelDeployment", "TrainingRun", "ModelVersion")
_WORD = re.compile(r"`([A-Z]\w+)`")


def tables(page: str) -> Iterator[tuple[str, list[dict[str, str]]]]:
    """(the heading of its section of level 2, its rows by column) of each table of a page."""
    section, table, header = "", [], []  # type: str, list[dict[str, str]], list[str]
    for line in [*(DOCS / page).read_text().splitlines(), ""]:
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip())[1:-1]]
        if not line.startswith("|"):
            if table:
                yield section, table
            header, table = [], []
        elif not header:
            header = cells
        elif not set(line) <= set("|-: "):
            table.append(dict(zip(header, cells, strict=True)))
        if line.startswith("## "):
            section = line.removeprefix("## ").strip()


def situations(page: str) -> dict[tuple[str, str], dict[str, str]]:
    """The row of each situation, by kind and situation."""
    return {(section, row["situation"]): row for section, table in tables(page) for row in table if "situation" in row}


def reasons(kind: str) -> set[str]:
    """Every reason that docs/conditions.md explains for a kind."""
    cells = [
        row["reason"]
        for section, table in tables("conditions.md")
        for row in table
        if section == kind and "reason" in row
    ]
    return {word for cell in cells for word in _WORD.findall(cell)}


def meant(cell: str, stalled: bool) -> str:
    """What a cell says for an object: "InProgress, or Failed with Stalled" are two."""
    calm, _, with_stalled = cell.partition(", or ")
    return with_stalled.removesuffix(" with Stalled") if with_stalled and stalled else calm
