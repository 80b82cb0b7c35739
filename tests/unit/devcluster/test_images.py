"""Tags are hashes of what goes in, and a build sees nothing else."""

from pathlib import Path

import pytest

from devcluster import dockerfile, images, paths
from devcluster.dockerfile import Recipe


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(paths, "REPOSITORY", tmp_path)
    (tmp_path / "part" / "src" / "__pycache__").mkdir(parents=True)
    (tmp_path / "part" / "src" / "__pycache__" / "module.pyc").write_text("")
    (tmp_path / "part" / "src" / "module.py").write_text("x = 1\n")
    (tmp_path / "part" / "notes.md").write_text("not part of it\n")
    (tmp_path / "Dockerfile").write_text("ARG BASE\nFROM ${BASE}\n")
    return tmp_path


RECIPE = Recipe("", ("part/src",), "base", "stage")


def test_what_goes_in_is_the_dockerfile_and_the_content(clone: Path) -> None:
    assert RECIPE.files() == [clone / "Dockerfile", clone / "part" / "src" / "module.py"]


def test_the_tag_follows_content_base_and_stage_and_nothing_else(clone: Path) -> None:
    before = RECIPE.key("localhost/base:1")
    (clone / "part" / "notes.md").write_text("changed\n")
    assert RECIPE.key("localhost/base:1") == before
    assert RECIPE.key("localhost/base:2") != before
    assert Recipe("", ("part/src",), "base", "other").key("localhost/base:1") != before
    (clone / "part" / "src" / "module.py").write_text("x = 2\n")
    assert RECIPE.key("localhost/base:1") != before


def test_every_image_has_a_reference_of_its_own_and_never_latest() -> None:
    references = [images.reference(name) for name in images.NAMES]
    assert len(set(references)) == len(references)
    assert all(reference.startswith("localhost/") for reference in references)
    assert all(len(reference.rpartition(":")[2]) == 12 for reference in references)
    assert images.reference("trainer").startswith("localhost/perennial-trainer:")


def test_pips_settings_are_quoted_values() -> None:
    assert dockerfile.pip_settings("global.extra-index-url='a\\nb'") == {"extra-index-url": "a\nb"}
