"""What the README shows is what is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
README = (ROOT / "README.md").read_text()
SHOWN = re.findall(r"^```yaml\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
EXAMPLES = {path.name: path.read_text() for path in (ROOT / "examples" / "flights").glob("*.yaml")}


def test_examples_are_shown() -> None:
    assert len(SHOWN) == 2


@pytest.mark.parametrize("shown", SHOWN)
def test_what_is_shown_is_an_example(shown: str) -> None:
    assert shown in EXAMPLES.values()


def test_the_files_it_names_exist() -> None:
    links = [each for each in re.findall(r"\]\(([^)]+)\)", README) if "://" not in each]
    assert links
    assert [each for each in links if not (ROOT / each).exists()] == []
