"""Every test that a table in docs/ names is there: `tests/...py::name` in backticks, under a column called `test`."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGES = sorted(page for page in (ROOT / "docs").glob("*.md") if re.search(r"\| tests? \|", page.read_text()))
_NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


@cache
def functions(path: str) -> frozenset[str]:
    """Names of the tests in a file."""
    found = ROOT / path
    tree = ast.parse(found.read_text()) if found.exists() else ast.Module([], [])
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def rows(text: str) -> Iterator[tuple[str, str]]:
    """(the row, its cell under `test`) of each row of each table that has such a column."""
    column: int | None = None
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split(" | ")]
        if not line.startswith("|"):
            column = None
        elif column is None:
            column = next((at for at, cell in enumerate(cells) if cell in ("test", "tests")), None)
        elif not set(line) <= set("|-: "):
            yield line, cells[column] if column < len(cells) else ""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_row_names_tests_that_exist(page: Path) -> None:
    for row, cell in rows(page.read_text()):
        named = _NAMED.findall(cell)
        assert named, f"no test is named: {row}"
        missing = [f"{path}::{name}" for path, name in named if name not in functions(path)]
        assert not missing, missing
