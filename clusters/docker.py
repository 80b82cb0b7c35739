"""Our images by `docker build`: the same Dockerfiles as the devcluster's, with the base image that each names."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path

from devcluster import paths, run
from devcluster.dockerfile import ca_bundle
from devcluster.images import RECIPES
from devcluster.progress import step

NAMES = tuple(RECIPES)


def base(name: str) -> str:
    """The base image that the Dockerfile of an image names."""
    text = (paths.REPOSITORY / RECIPES[name].root / "Dockerfile").read_text()
    found = re.search(r"^ARG BASE=(\S+)$", text, re.MULTILINE)
    assert found, f"the Dockerfile of {name} names no base"
    return found[1]


def reference(name: str) -> str:
    """NAME:TAG of an image."""
    return f"localhost/perennial-{name}:{RECIPES[name].key(base(name))}"


def ensure(name: str) -> None:
    """Build an image unless Docker has it.

    Raises:
        CommandError: it could not be built.
    """
    if run.succeeds(["docker", "image", "inspect", reference(name)]):
        return
    recipe = RECIPES[name]
    options = ["--target", recipe.target] if recipe.target else []
    if bundle := ca_bundle():
        options += ["--secret", f"id=ca,src={bundle}"]
    # An attestation would make a list of it, which kind cannot load.
    environment = {**os.environ, "DOCKER_BUILDKIT": "1", "BUILDX_NO_DEFAULT_ATTESTATIONS": "1"}
    with tempfile.TemporaryDirectory() as folder, step(f"image {name}", recipe.seconds):
        recipe.copy(Path(folder))
        command = ["docker", "build", "--tag", reference(name), *options, folder]
        run.logged(f"docker-{name}", command, env=environment)
