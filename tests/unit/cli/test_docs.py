"""The picture in docs/kubectl-perennial.md is the one that the plugin draws of a rollout that the engine judges.

PERENNIAL_RECORD=1 draws it anew.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from perennial.cli.view.frame import frame
from tests.unit.cli import story

PAGE = Path(__file__).parents[3] / "docs/kubectl-perennial.md"
_BLOCK = re.compile(r"(?<=```text\n)flights/flights  ●.*?(?=```)", re.DOTALL)


def drawn() -> str:
    lines = frame(story.scene(0.01, 0.01, 110), 100, 32)
    return "".join(f"{line.plain.rstrip()}\n" for line in lines)


def test_the_page_shows_what_is_drawn() -> None:
    text = PAGE.read_text()
    if os.environ.get("PERENNIAL_RECORD"):
        PAGE.write_text(_BLOCK.sub(lambda _: drawn(), text))
    found = _BLOCK.search(PAGE.read_text())
    assert found is not None
    assert found[0] == drawn()


def test_a_worse_one_climbs_to_its_bound() -> None:
    told = story.scene(0.01, 0.05, 600)
    assert told.live is not None
    assert told.live.worse is not None
    assert told.live.worse.value >= told.live.worse.bound
    rows = [line.plain for line in frame(told, 100, 28)]
    top = next(row for row in rows if "100┤" in row)
    assert any(ord(each) > 0x2800 for each in top[:50]), "the curve touches its upper edge"
