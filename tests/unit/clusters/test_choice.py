"""Which cluster is chosen, as a table of what was found; and that a refusal is one sentence and comes first."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from clusters.choice import Machine, NoClusterError, choose

ROOT = Path(__file__).parents[3]
BARE = Machine(linux=True, apt=True, root=True, docker=False)
LAPTOP = Machine(linux=False, apt=False, root=False, docker=True)
BOTH = Machine(linux=True, apt=True, root=True, docker=True)
NEITHER = Machine(linux=True, apt=True, root=False, docker=False)


@pytest.mark.parametrize(
    ("wanted", "machine", "expected"),
    [
        ("", BARE, "devcluster"),
        ("", LAPTOP, "kind"),
        ("", BOTH, "kind"),
        ("devcluster", BOTH, "devcluster"),
        ("kind", LAPTOP, "kind"),
        ("current", NEITHER, "current"),
        ("current", LAPTOP, "current"),
    ],
)
def test_the_choice(wanted: str, machine: Machine, expected: str) -> None:
    assert choose(wanted, machine) == expected


@pytest.mark.parametrize(
    ("wanted", "machine", "words"),
    [
        ("", NEITHER, ["Docker engine", "needs root", "PERENNIAL_CLUSTER=current"]),
        ("", Machine(linux=False, apt=False, root=True, docker=False), ["Docker engine", "Linux", "apt-get"]),
        ("kind", BARE, ["Docker engine"]),
        ("devcluster", NEITHER, ["needs root"]),
        ("devcluster", LAPTOP, ["Linux on x86-64", "apt-get", "root"]),
        ("minikube", BOTH, ["minikube", "devcluster, kind or current"]),
    ],
)
def test_a_refusal_is_one_sentence_with_the_reason(wanted: str, machine: Machine, words: list[str]) -> None:
    with pytest.raises(NoClusterError) as refused:
        choose(wanted, machine)
    sentence = str(refused.value)
    assert [word for word in words if word not in sentence] == []
    assert "\n" not in sentence
    assert sentence.endswith(".")
    assert ". " not in sentence


def commands(folder: Path, scripts: dict[str, str]) -> dict[str, str]:
    """An environment whose PATH has these commands and, but for docker, kind and kubectl, the machine's."""
    scripts = {"python3": f'exec {sys.executable} "$@"', **scripts}
    for name in ("bash", "sh", "make", "sha256sum", "cut", "cat", "test", "awk"):
        found = subprocess.run(["which", name], check=True, capture_output=True, text=True).stdout.strip()
        (folder / name).symlink_to(found)
    for name, body in scripts.items():
        (folder / name).write_text(f"#!/bin/sh\n{body}\n")
        (folder / name).chmod(0o755)
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PERENNIAL_", "MAKE"))}
    return kept | {"PATH": str(folder), "PYTHONPATH": str(ROOT)}


@pytest.mark.parametrize(
    ("docker", "expected"),
    [("echo 28.0.0", "kind"), ("echo no daemon >&2; exit 1", "devcluster or nothing"), ("exec sleep 60", "or nothing")],
)
def test_only_an_engine_that_answers_counts(tmp_path: Path, docker: str, expected: str) -> None:
    given = commands(tmp_path, {"docker": docker, "sleep": 'exec /bin/sleep "$@"'})
    done = subprocess.run([sys.executable, "-m", "clusters", "choose"], env=given, capture_output=True, text=True)
    assert (done.stdout.strip() == "kind") == (expected == "kind"), done.stderr


@pytest.mark.parametrize("target", ["up", "demo", "install", "test"])
def test_make_refuses_before_it_installs_anything(tmp_path: Path, target: str) -> None:
    tell = f'echo "$0 $*" >>{tmp_path}/called; exit 1'
    scripts = dict.fromkeys(("docker", "apt-get", "dpkg-query", "pip", "buildah"), tell)
    given = commands(tmp_path, scripts) | {"PERENNIAL_CLUSTER": "kind"}
    done = subprocess.run(["make", target], cwd=ROOT, env=given, capture_output=True, text=True)
    assert done.returncode != 0
    assert "needs a Docker engine" in done.stderr
    assert {line.split()[0] for line in (tmp_path / "called").read_text().splitlines()} == {str(tmp_path / "docker")}
