"""Seeded defects: each patch makes the operator wrong in one way, and a named test must say so in the right words.

Without the patch the same tests pass: they are part of this suite.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.conftest import SHARED

ROOT = Path(__file__).parents[2]
PATCHES = Path(__file__).with_name("mutants")
SECONDS = 240
MAIN_JOB = "test_undisturbed.py::test_the_main_job_is_the_same_again"
RACES = "test_races.py"

CAUGHT: dict[str, tuple[str, str]] = {
    "adopt-a-foreign-name": (
        f"{RACES}::test_what_has_our_name_and_is_not_ours_is_left_alone",
        "which is not ours|NameTaken is said",
    ),
    "delete-without-uid": (f"{RACES}::test_a_delete_never_hits_another_object_of_the_name", "which is not ours"),
    "job-without-a-fixed-name": (
        f"{RACES}::test_a_crash_before_the_status_knows_its_job_makes_no_second",
        "a second Job|active Jobs",
    ),
    "keeper-goes-with-the-weight": (MAIN_JOB, "left the route"),
    "named-before-it-is-ready": (MAIN_JOB, "is named in the route before it is ready"),
    "no-lease-gate": ("test_lease.py::test_no_write_once_the_lease_may_have_expired", "written without a lease"),
    "promotion-route-before-status": (MAIN_JOB, "before the status says so"),
    "rollback-not-on-the-route": (
        f"{RACES}::test_a_rollback_is_remembered_by_who_comes_after_the_crash",
        "len(shares) == 3",
    ),
    "rollback-status-before-route": (MAIN_JOB, "gets requests and has no role in the status"),
    "servers-go-with-the-weight": (MAIN_JOB, "was deleted while the route names it|let go of it"),
    "status-without-resource-version": (
        f"{RACES}::test_a_status_decided_on_an_old_reading_is_not_written",
        '"status"] == status',
    ),
    "step-route-before-status": (MAIN_JOB, "before the status says so"),
    "version-without-the-runs-uid": (
        f"{RACES}::test_a_crash_after_the_version_is_made_makes_no_second",
        "versions of one run",
    ),
}
"""Mutant -> the test that catches it, and what that says; alternatives are separated by a bar."""


def test_every_mutant_has_its_test() -> None:
    assert {each.stem for each in PATCHES.glob("*.patch")} == set(CAUGHT)


@pytest.mark.parametrize("mutant", CAUGHT)
def test_is_caught(mutant: str, admin: Path, tmp_path: Path) -> None:
    source = tmp_path / "operator/src"
    shutil.copytree(ROOT / "operator/src", source, ignore=shutil.ignore_patterns("__pycache__"))
    patch = PATCHES / f"{mutant}.patch"
    applied = subprocess.run(
        ["patch", "-p1", "--fuzz=1", "--directory", tmp_path, "--input", patch], capture_output=True, text=True
    )
    assert applied.returncode == 0, f"the patch no longer applies, write it anew: {applied.stdout}"
    test, words = CAUGHT[mutant]
    said = _run(test, source, admin)
    assert "AssertionError" in said, said[-3000:]
    assert any(each in said for each in words.split("|")), f"it failed with other words than {words!r}:\n{said[-3000:]}"


def _run(test: str, source: Path, admin: Path) -> str:
    """The output of a test that failed with this source of the operator."""
    path = os.pathsep.join([str(source), str(ROOT / "trainer/src"), str(ROOT)])
    environment = os.environ | {"PYTHONPATH": path, SHARED: str(admin), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", f"tests/faults/{test}"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=SECONDS)
    assert done.returncode == 1, f"it was not caught:\n{done.stdout[-3000:]}{done.stderr[-1000:]}"
    return done.stdout
