"""A real apiserver with the generated definitions, for every test in this folder."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client, config

from devcluster import go
from devcluster.apiserver import running_apiserver
from perennial.api import GROUP, RESOURCES, VERSION

Object = dict[str, Any]
Kubectl = Callable[..., str]
REPOSITORY = Path(__file__).parents[3]


@pytest.fixture(scope="session")
def repository() -> Path:
    return REPOSITORY


@pytest.fixture(scope="session")
def kubeconfig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An apiserver that serves our kinds: `kubectl apply -k crds` succeeded and each is established."""
    with running_apiserver(tmp_path_factory.mktemp("crds")) as kubeconfig:
        _kubectl(kubeconfig, "apply", "-k", str(REPOSITORY / "crds"))
        names = [f"crd/{each.plural}.{GROUP}" for each in RESOURCES]
        _kubectl(kubeconfig, "wait", "--for=condition=Established", "--timeout=30s", *names)
        yield kubeconfig


@pytest.fixture(scope="session")
def kubectl(kubeconfig: Path) -> Kubectl:
    """Runs kubectl and returns what it prints; an error or a warning fails the test."""
    return lambda *arguments, **settings: _kubectl(kubeconfig, *arguments, **settings)


def _kubectl(kubeconfig: Path, *arguments: str, stdin: str | None = None) -> str:
    command = [str(go.build("kubernetes")), "kubectl", f"--kubeconfig={kubeconfig}", *arguments]
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, f"kubectl {' '.join(arguments)}: {done.stderr}"
    assert "Warning:" not in done.stderr, f"kubectl {' '.join(arguments)}: {done.stderr}"
    return done.stdout


class Kinds:
    """Creates and changes objects of our kinds; in the namespace default unless they name another."""

    def __init__(self, api: client.CustomObjectsApi) -> None:
        self._api = api

    def create(self, obj: Object, *, dry_run: bool = True) -> Object:
        return self._call("create", obj, obj, dry_run)

    def change(self, obj: Object, patch: Object) -> Object:
        """A dry run of a JSON merge patch."""
        return self._call("patch", obj, patch, True, obj["metadata"]["name"], "application/merge-patch+json")

    def _call(self, verb: str, obj: Object, body: Object, dry_run: bool, *rest: str) -> Object:
        plural = next(each.plural for each in RESOURCES if each.kind == obj["kind"])
        call = getattr(self._api, f"{verb}_namespaced_custom_object")
        settings: Object = {"field_validation": "Strict", **({"dry_run": "All"} if dry_run else {})}
        if rest:
            settings |= {"name": rest[0], "_content_type": rest[1]}
        namespace = obj["metadata"].get("namespace", "default")
        answer: Object = call(group=GROUP, version=VERSION, namespace=namespace, plural=plural, body=body, **settings)
        return answer


@pytest.fixture(scope="session")
def kinds(kubeconfig: Path) -> Iterator[Kinds]:
    with config.new_client_from_config(str(kubeconfig)) as connection:
        yield Kinds(client.CustomObjectsApi(connection))


@pytest.fixture
def good() -> Callable[[str], Object]:
    """The shortest good object of a kind, new each time."""
    return lambda kind: deepcopy({"apiVersion": f"{GROUP}/{VERSION}", "kind": kind, **GOOD[kind]})


SHA = "0123456789abcdef" * 4
GOOD: dict[str, Object] = {
    "TrainingRun": {
        "metadata": {"name": "flights-january"},
        "spec": {
            "modelName": "flights",
            "data": {"uri": "pvc://data/january.csv"},
            "trainer": {"estimator": {"name": "LogisticRegression", "target": "late", "numeric": ["hour"]}},
            "output": {"storageUri": "pvc://models"},
        },
    },
    "ModelVersion": {
        "metadata": {"name": "flights-1"},
        "spec": {
            "modelName": "flights",
            "version": 1,
            "artifact": {"uri": f"pvc://models/flights/{SHA}", "sha256": SHA},
            "metrics": {"roc_auc": "0.7"},
            "lineage": {"seed": 1},
            "trainingRunRef": {"name": "flights-january", "uid": "8e1f"},
        },
    },
    "ModelDeployment": {
        "metadata": {"name": "flights"},
        "spec": {
            "modelName": "flights",
            "version": 1,
            "router": {"gatewayRef": {"name": "gw"}, "hostname": "flights.example.com"},
        },
    },
}
