"""Every image of the cluster: its reference, whose tag is the hash of what goes in, and its tar in the cache."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

from . import base, paths
from .dockerfile import Recipe
from .locking import locked
from .progress import step
from .static import IMAGES as STATIC
from .storing import prune

_KEEP = 3
RECIPES = {
    "operator": Recipe(
        "", ("operator/pyproject.toml", "operator/requirements.txt", "operator/src"), "base", "operator", 60
    ),
    "trainer": Recipe(
        "", ("trainer/pyproject.toml", "trainer/requirements.txt", "trainer/src"), "base", "trainer", 150
    ),
    "flights-data": Recipe("examples/flights/data", ("prepare.py", "requirements.txt"), "base", seconds=40),
}
# The order of making and of importing: what others wait for goes first, the largest last.
NAMES = ("pause", "kserve-manager", "envoy-gateway", "envoy", "prometheus", "operator", "trainer", "flights-data")


@cache
def reference(name: str) -> str:
    """NAME:TAG of an image, as in localhost/perennial-trainer:0123456789ab."""
    if name in RECIPES:
        recipe = RECIPES[name]
        return f"localhost/perennial-{name}:{recipe.key(reference(recipe.base))}"
    return f"localhost/{name}:{base.key() if name == 'base' else STATIC[name].key()}"


def archive(name: str) -> Path:
    """Where the docker-archive of an image is, or will be."""
    return paths.cache() / "images" / name / f"{reference(name).rpartition(':')[2]}.tar"


def ensure(name: str) -> Path:
    """The docker-archive of an image, made if it is not there yet; older ones are deleted but for the last few."""
    target = archive(name)
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        with locked(target.parent / ".lock", what=f"image {name}"):
            if not target.exists():
                for interrupted in ("tmp*", ".*-*"):
                    prune(target.parent, interrupted, 0)
                _make(name, target)
    os.utime(target)  # "last" means last used
    prune(target.parent, "*.tar", _KEEP)
    return target


def _make(name: str, target: Path) -> None:
    if name in STATIC:
        STATIC[name].binary()
        with step(f"image {name}", STATIC[name].seconds):
            STATIC[name].make(target, reference(name))
    elif name == "base":
        with step("image base: Debian and Python", base.SECONDS):
            base.make(target, reference(name))
    else:
        recipe = RECIPES[name]
        below = (reference(recipe.base), ensure(recipe.base))
        with step(f"image {name}", recipe.seconds):
            recipe.make(target, reference(name), below)
