"""Deleting an object takes along all that was made for it, and nothing else."""

from __future__ import annotations

from demo.kubectl import Kubectl, until
from tests.e2e.conftest import Told

MADE = (
    "jobs,pods,services,deployments.apps,controllerrevisions,poddisruptionbudgets,httproutes,"
    "inferenceservices,servingruntimes.serving.kserve.io"
)
SERVING = (
    "services,deployments.apps,replicasets.apps,controllerrevisions,poddisruptionbudgets,httproutes,"
    "inferenceservices,servingruntimes.serving.kserve.io"
)
SECONDS = 120


def test_deleting_a_deployment_leaves_nothing_of_it(told: Told) -> None:
    kubectl = told.stage.kubectl
    assert made_for(kubectl, "ModelDeployment", "flights") != []
    kubectl("delete", "modeldeployment", "flights")
    gone(kubectl, "ModelDeployment", "flights")
    # Whatever its labels: nothing but the data's and the runs' Jobs with their pods is left in the namespace.
    until(lambda: kubectl("get", SERVING, "-o", "name") == "", what="nothing that serves is left", seconds=SECONDS)


def test_deleting_a_run_leaves_nothing_but_its_version(told: Told) -> None:
    kubectl = told.stage.kubectl
    for run in ("january", "january-to-march", "january-sample"):
        kubectl("delete", "trainingrun", run)
        gone(kubectl, "TrainingRun", run)
    assert {"flights-1", "flights-2", "flights-3"} <= names(kubectl, "modelversions")


def test_deleting_a_version_leaves_nothing_of_it(told: Told) -> None:
    kubectl = told.stage.kubectl
    for version in ("flights-1", "flights-2", "flights-3"):
        kubectl("delete", "modelversion", version)
        gone(kubectl, "ModelVersion", version)
        assert version not in names(kubectl, "modelversions")


def made_for(kubectl: Kubectl, kind: str, name: str) -> list[str]:
    """Everything in the namespace that was made for an object."""
    selector = f"perennial.dev/controller={kind},perennial.dev/name={name}"
    return kubectl("get", MADE, "-l", selector, "-o", "name").split()


def gone(kubectl: Kubectl, kind: str, name: str) -> None:
    """Wait until nothing is left of what was made for an object."""
    until(lambda: not made_for(kubectl, kind, name), what=f"nothing is left of {kind} {name}", seconds=SECONDS)


def names(kubectl: Kubectl, kind: str) -> set[str]:
    """The names of all objects of a kind."""
    return {each["metadata"]["name"] for each in kubectl.list(kind)}
