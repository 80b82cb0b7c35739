"""The files: the same input gives the same bytes, and `--check` notices every difference."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from perennial.api import RESOURCES
from perennial.crdgen.__main__ import main
from perennial.crdgen.output import generated_files, to_yaml

REPOSITORY = Path(__file__).parents[3]


@pytest.fixture
def generated(tmp_path: Path) -> Path:
    """A folder with the generated files."""
    assert main(["--root", str(tmp_path)]) == 0
    return tmp_path


def test_one_file_per_kind_and_a_kustomization(generated: Path) -> None:
    names = sorted(path.name for path in (generated / "crds").iterdir())
    kinds = sorted(f"perennial.dev_{each.plural}.yaml" for each in RESOURCES)
    assert names == sorted(["kustomization.yaml", *kinds])
    assert yaml.safe_load((generated / "crds/kustomization.yaml").read_text())["resources"] == kinds


def test_every_file_says_that_it_is_generated(generated: Path) -> None:
    for path in generated_files(RESOURCES):
        assert "Do not edit." in (generated / path).read_text().splitlines()[0]


def test_order_of_the_kinds_makes_no_difference() -> None:
    assert generated_files(RESOURCES) == generated_files(reversed(RESOURCES))


def test_another_interpreter_writes_the_same_bytes() -> None:
    code = (
        "from perennial.api import RESOURCES; from perennial.crdgen.output import generated_files;"
        "print(generated_files(RESOURCES))"
    )
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
        assert done.stdout == f"{generated_files(RESOURCES)}\n"


def test_yaml_has_no_aliases() -> None:
    shared = {"type": "string"}
    assert "&" not in to_yaml({"one": shared, "two": shared})


def test_a_second_run_changes_nothing(generated: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["--root", str(generated)]) == 0
    assert capsys.readouterr().out == ""


def test_check_passes_on_what_was_written(generated: Path) -> None:
    assert main(["--check", "--root", str(generated)]) == 0


@pytest.mark.parametrize("path", sorted(generated_files(RESOURCES)))
def test_check_fails_on_a_change(generated: Path, path: str, capsys: pytest.CaptureFixture[str]) -> None:
    file = generated / path
    file.write_text(file.read_text() + "# by hand\n")
    assert main(["--check", "--root", str(generated)]) == 1
    shown = capsys.readouterr()
    assert "-# by hand" in shown.out
    assert "make generate" in shown.err
    assert file.read_text().endswith("# by hand\n"), "a check writes nothing"


def test_check_fails_on_a_missing_file(generated: Path) -> None:
    (generated / "crds/kustomization.yaml").unlink()
    assert main(["--check", "--root", str(generated)]) == 1


def test_a_kind_that_is_gone(generated: Path) -> None:
    leftover = generated / "crds/perennial.dev_gone.yaml"
    leftover.write_text("kind: CustomResourceDefinition\n")
    assert main(["--check", "--root", str(generated)]) == 1
    assert main(["--root", str(generated)]) == 0
    assert not leftover.exists()


def test_the_repository_is_up_to_date() -> None:
    assert main(["--check", "--root", str(REPOSITORY)]) == 0
