"""Git that is applied again and again makes no difference, has no effect and prunes nothing, in a rollout too."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from perennial.ports.kube import KubeClient
from tests.apiserver.gitops.flights import Flights
from tests.apiserver.gitops.repository import APPLICATION, INSTANCE, TRACKING, WAYS, Repository
from tests.apiserver.support import Kubectl

FIRST = ("namespace.yaml", "data.yaml", "deployment.yaml", "v1.yaml")
OF_THE_USER = {("Job", "flights-data"), ("ModelDeployment", "flights")}
PRUNED = (
    "perennial.dev/v1alpha1/ModelVersion",
    "perennial.dev/v1alpha1/TrainingRun",
    "perennial.dev/v1alpha1/ModelDeployment",
    "serving.kserve.io/v1beta1/InferenceService",
    "serving.kserve.io/v1alpha1/ServingRuntime",
    "gateway.networking.k8s.io/v1/HTTPRoute",
    "apps/v1/ControllerRevision",
    "batch/v1/Job",
)
Start = Callable[[str], tuple[Repository, Flights]]


@pytest.fixture
def start(
    tmp_path: Path, kubectl: Kubectl, gateways: None, namespace: str, kube: KubeClient, operator_kube: KubeClient
) -> Start:
    """The repository with a first model and deployment, applied in one of the ways."""

    def started(way: str) -> tuple[Repository, Flights]:
        repository = Repository(tmp_path, kubectl, namespace, way)
        repository.commit(*FIRST)
        repository.apply()
        return repository, Flights(namespace, kube, operator_kube)

    return started


async def again(repository: Repository, flights: Flights, *, asking: bool = True) -> None:
    """What a GitOps tool does every few seconds, and that nothing comes of it; it may also ask for a difference."""
    before = await flights.versions(), await flights.wanted()
    repository.apply()
    assert not asking or repository.difference() == ""
    assert (await flights.versions(), await flights.wanted()) == before


async def until(repository: Repository, flights: Flights, version: int, *, applying: bool = False) -> list[int]:
    """Passes until a version serves; returns the weights that its canary had. Applies whenever something is new."""
    weights: list[int] = []
    before = ""
    for _ in range(40):
        await flights.step()
        news = await flights.news()
        status = await flights.status()
        share = [status["canary"]["weight"]] if "canary" in status else []
        if applying and news != before:
            await again(repository, flights, asking=weights[-1:] != share)
        before, weights = news, weights + share
        await flights.play()
        flights.evidence()
        up_to_date = (await flights.conditions()).get("UpToDate", ("", ""))[0]
        if status.get("stable", {}).get("version") == version and up_to_date == "True":
            return list(dict.fromkeys(weights))
    raise AssertionError(f"version {version} never served: {await flights.conditions()}")


@pytest.mark.parametrize("way", WAYS)
async def test_applying_again_makes_no_difference_and_has_no_effect(start: Start, way: str) -> None:
    repository, flights = start(way)
    assert await until(repository, flights, 1, applying=True) == []
    repository.commit("v2.yaml")
    repository.apply()
    assert await until(repository, flights, 2, applying=True) == [0, 10, 25, 50]
    await flights.settle()
    await again(repository, flights)
    before = await flights.versions()
    await flights.step()
    assert await flights.versions() == before
    assert await flights.generation() == 1
    assert [each["outcome"] for each in (await flights.status())["history"]] == ["Promoted", "Deployed"]


async def test_nothing_that_is_made_is_tracked_so_nothing_is_pruned(start: Start) -> None:
    repository, flights = start("client-side")
    await until(repository, flights, 1)
    repository.commit("v2.yaml")
    repository.apply()
    while "canary" not in (await flights.status()) or (await flights.status())["canary"]["weight"] == 0:
        await flights.step()
        await flights.play()
        flights.evidence()
    made = [each for each in await flights.everything() if (each["kind"], each["metadata"]["name"]) not in OF_THE_USER]
    made = [each for each in made if each["kind"] != "TrainingRun"]
    assert {each["kind"] for each in made} == {path.rpartition("/")[2] for path in PRUNED} - {
        "ModelDeployment",
        "TrainingRun",
    }
    for each in made:
        assert INSTANCE not in each["metadata"].get("labels", {}), each["metadata"]
        assert TRACKING not in each["metadata"].get("annotations", {}), each["metadata"]
    before = await flights.versions()
    kinds = [f"--prune-allowlist={each}" for each in PRUNED]
    said = repository.apply("--prune", f"--selector={INSTANCE}={APPLICATION}", *kinds)
    assert "pruned" not in said
    assert await flights.versions() == before


async def test_a_run_that_leaves_git_goes_and_its_version_stays(start: Start) -> None:
    repository, flights = start("client-side")
    await until(repository, flights, 1)
    (repository.folder / "v1.yaml").unlink()
    said = repository.apply(
        "--prune", f"--selector={INSTANCE}={APPLICATION}", *[f"--prune-allowlist={each}" for each in PRUNED]
    )
    assert [line for line in said.splitlines() if line.endswith("pruned")] == [
        "trainingrun.perennial.dev/january pruned"
    ]
    await flights.settle()
    assert (await flights.status())["stable"]["version"] == 1
    assert ("ModelVersion", "flights-1") in await flights.versions()
