"""A real cluster with Perennial on it, and the story of the demonstration told there once.

The files are chapters: each goes on where the one before it ended, in the order of `CHAPTERS`, because a trained and
deployed model is too slow to make anew for every test. A chapter that runs alone has the story told to it first.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from rich.console import Console

from clusters.chosen import chosen
from demo import story
from demo.kubectl import Kubectl
from demo.scene import Scene
from demo.stage import Stage
from demo.tally import Tally
from demo.view import Terminal
from devcluster import paths
from tests.e2e.envoy import Counts, gateway_counts, service_counts
from tests.e2e.git import Git

CHAPTERS = (
    "test_installed",
    "test_bad_training",
    "test_story",
    "test_git",
    "test_weights",
    "test_bad_canary",
    "test_same_model",
    "test_strategies",
    "test_bad_serving",
    "test_prometheus",
    "test_killed",
    "test_latency",
    "test_removal",
)
CLUSTER = chosen()
GATEWAY = CLUSTER.gateway
HOST = "flights.localhost:8080"
RATE = 60.0
# Longer than the tests take, so that the gateway still counts for v1 when v2 has long taken over.
KEEP_SECONDS = 1800


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the chapters in their order."""
    items.sort(key=lambda item: CHAPTERS.index(item.path.stem) if item.path.stem in CHAPTERS else -1)


@dataclass(frozen=True)
class Told:
    """The story once it is told.

    Attributes:
        stage: where it was told.
        scenes: the objects after v1, v2 and v3.
        tally: the load client's final counts.
        gateway: what the gateway's listener counted between the first and the last request.
        services: what the gateway counted for v1 and v2, by version, over their whole lives.
        git: what came of applying everything again and again during the promotion of v2.
        generations: of the deployment, before and after that.
    """

    stage: Stage
    scenes: dict[int, Scene]
    tally: Tally
    gateway: Counts
    services: dict[int, Counts]
    git: Git
    generations: tuple[int, int]


@pytest.fixture(scope="session")
def kubectl() -> Kubectl:
    """kubectl in the namespace of the flights, on a cluster that is up and has Perennial installed."""
    subprocess.run(["make", "install"], cwd=paths.REPOSITORY, check=True)
    return Kubectl(CLUSTER.kubectl().program)


@pytest.fixture(scope="session")
def stage(kubectl: Kubectl, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """The flights' namespace, made anew, with its data; removed in the end."""
    folder: Path = tmp_path_factory.mktemp("flights")
    with Terminal(paths.logs() / "e2e.txt", Console(highlight=False)) as view:
        data_image = CLUSTER.image("flights-data")
        stage = Stage(kubectl, view, data_image, gateway=GATEWAY, host=HOST, rate=RATE, folder=folder)
        story.prepare(stage)
        try:
            yield stage
        finally:
            if stage.traffic:
                stage.traffic.close()
            story.remove(stage)


@pytest.fixture(scope="session")
def told(stage: Stage) -> Told:
    """The demonstration's three stories, under load from the first answer to the last."""
    scenes = {}
    before = gateway_counts(stage.kubectl)
    story.serve_first(stage)
    git = Git(stage.kubectl, KEEP_SECONDS)
    git.apply()
    scenes[1] = stage.look()
    generation = _generation(stage)
    git.commit("v2.yaml")
    with git:
        story.promote_second(stage)
    generations = generation, _generation(stage)
    scenes[2] = stage.look()
    story.roll_back_third(stage)
    scenes[3], tally = story.end(stage)
    after = gateway_counts(stage.kubectl)
    names = {version: name for name, version in stage.record.services.items()}
    services = {version: service_counts(stage.kubectl, names[version]) for version in (1, 2)}
    return Told(stage, scenes, tally, after - before, services, git, generations)


def _generation(stage: Stage) -> int:
    found = stage.kubectl.get("modeldeployment", "flights")
    assert found is not None
    return int(found["metadata"]["generation"])
