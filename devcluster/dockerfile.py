"""Images out of Dockerfiles, by buildah: no daemon, no registry.

The build sees a copy of exactly the files that its tag is the hash of, so nothing else can get in.
"""

from __future__ import annotations

import ast
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from . import paths, run, wheels
from .locking import locked
from .storing import digest, files_digest

_IGNORED = {"__pycache__", ".pytest_cache", ".ruff_cache", ".mypy_cache"}
_CA_VARIABLES = ("PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")


@dataclass(frozen=True)
class Recipe:
    """An image that a Dockerfile describes.

    Attributes:
        root: the build context, below the clone; the Dockerfile is ROOT/Dockerfile.
        content: what of the context goes in: files and folders, below the root.
        base: our name of the image that ARG BASE gets.
        target: the stage; empty is the last one.
        seconds: how long a build takes.
    """

    root: str
    content: tuple[str, ...]
    base: str
    target: str = ""
    seconds: int = 60

    def files(self) -> list[Path]:
        """Every file that goes in."""
        root = paths.REPOSITORY / self.root
        return sorted({path for each in ("Dockerfile", *self.content) for path in _below(root / each)})

    def key(self, base_reference: str) -> str:
        """Hash of what goes in, the base and the stage."""
        return digest([files_digest(paths.REPOSITORY / self.root, self.files()), base_reference, self.target])

    def make(self, target: Path, reference: str, base: tuple[str, Path]) -> None:
        """Write the docker-archive.

        Args:
            target: the tar to write.
            reference: NAME:TAG.
            base: reference and docker-archive of the base image.
        """
        with tempfile.TemporaryDirectory(dir=target.parent) as folder:
            context = Path(folder) / "context"
            self.copy(context)
            stage = ["--target", self.target] if self.target else []
            options = [*stage, "--build-arg", f"BASE={base[0]}", *_machine_options(Path(folder))]
            whole = Path(folder) / "image.tar"
            with locked(paths.cache() / "buildah" / ".lock", what="building an image"):
                _buildah("clean", "rm", "--all")  # what an interrupted build left, and its mounts
                _pull(*base)
                _buildah(reference, "build", "--tag", reference, *options, str(context))
                _buildah(f"{reference}-push", "push", reference, f"docker-archive:{whole}:{reference}")
            whole.rename(target)

    def copy(self, context: Path) -> None:
        """Copy what goes in, and nothing else, to a folder."""
        root = paths.REPOSITORY / self.root
        for source in self.files():
            copy = context / source.relative_to(root)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, copy)
            os.utime(copy, (0, 0))


def _below(path: Path) -> Iterator[Path]:
    if not path.is_dir():
        yield path
        return
    for each in path.iterdir():
        if each.name not in _IGNORED and not each.name.endswith(".egg-info"):
            yield from _below(each)


@cache
def _storage() -> list[str]:
    """Where buildah keeps layers: the kernel's overlay where it works (not on top of another overlay), else copies."""
    root = paths.cache() / "buildah"
    (root / "tmp").mkdir(parents=True, exist_ok=True)
    for driver in ("overlay", "vfs"):
        options = ["--root", str(root / driver), "--runroot", str(root / "run"), "--storage-driver", driver]
        if run.succeeds(["buildah", *options, "images"]):
            break
    return options


def _buildah(title: str, command: str, *arguments: str) -> None:
    temporary = str(paths.cache() / "buildah" / "tmp")  # layers and pip's cache mount: not in /var/tmp
    env = {**os.environ, "BUILDAH_ISOLATION": "chroot", "TMPDIR": temporary}
    name = "image-" + title.rpartition("/")[2].replace(":", "-")
    run.logged(name, ["buildah", *_storage(), command, *arguments], env=env)


def _pull(reference: str, archive: Path) -> None:
    if not run.succeeds(["buildah", *_storage(), "inspect", "--type", "image", reference]):
        _buildah("pull", "pull", "--quiet", f"docker-archive:{archive}")


def _machine_options(folder: Path) -> list[str]:
    """Options that make a build work on this machine without leaving a trace of it in the image."""
    options = ["--layers", "--pull-never", "--network", "host", "--format", "docker", "--timestamp", "0"]
    config = folder / "pip.conf"
    settings = pip_settings(run.answer([str(wheels.pip()), "config", "list"]))
    config.write_text("\n".join(["[global]", *(f"{name} = {value}" for name, value in settings.items()), ""]))
    options += ["--volume", f"{config}:/etc/pip.conf:ro"]
    links = Path(settings.get("find-links", ""))
    if links.is_absolute() and links.is_dir():
        options += ["--volume", f"{links}:{links}:ro"]
    if bundle := ca_bundle() or settings.get("cert"):
        options += ["--secret", f"id=ca,src={bundle}"]
    return options


def ca_bundle() -> str | None:
    """The bundle of authorities that this machine's environment names, for builds behind a proxy that inspects TLS."""
    return next((os.environ[name] for name in _CA_VARIABLES if os.environ.get(name)), None)


def pip_settings(listing: str) -> dict[str, str]:
    """What `pip config list` says, by option; the environment goes before files.

    >>> pip_settings("global.timeout='15'\\n:env:.timeout='60'")
    {'timeout': '60'}
    """
    settings: dict[str, str] = {}
    for line in sorted(listing.splitlines(), key=lambda line: line.startswith(":env:")):
        name, _, value = line.partition("=")
        section, _, option = name.rpartition(".")
        if section in {"global", "install", ":env:"}:
            settings[option] = str(ast.literal_eval(value))
    return settings
