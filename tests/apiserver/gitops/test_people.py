"""What people set beside Git stays when Git is applied again: it does not name these fields."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from perennial.ports.kinds import MODEL_DEPLOYMENT, MODEL_VERSION
from perennial.ports.kube import KubeClient
from tests.apiserver.gitops.repository import WAYS, Repository
from tests.apiserver.playing import SHA
from tests.apiserver.support import Kubectl
from tests.unit.argocd.argo import CUSTOMIZATIONS, Actions

ROLLOUT = {"promote": "abc", "reject": "def", "retry": "2026-11-23"}
VERSION = {
    "apiVersion": "perennial.dev/v1alpha1",
    "kind": "ModelVersion",
    "spec": {"modelName": "flights", "version": 7, "artifact": {"uri": "pvc://models/imported", "sha256": SHA}},
}


@pytest.fixture(params=WAYS)
def repository(request: pytest.FixtureRequest, tmp_path: Path, kubectl: Kubectl, namespace: str) -> Repository:
    """The deployment and an imported version, applied in one of the ways."""
    repository = Repository(tmp_path, kubectl, namespace, request.param)
    repository.commit("deployment.yaml")
    imported = VERSION | {"metadata": {"name": "flights-7", "namespace": namespace}}
    (tmp_path / "imported.yaml").write_text(json.dumps(imported))
    repository.apply()
    return repository


def patch(repository: Repository, kubectl: Kubectl, what: str, spec: dict[str, Any], manager: str = "people") -> None:
    say = ("-n", repository.namespace, "patch", what, "--type=merge", f"--field-manager={manager}")
    kubectl(*say, "-p", json.dumps({"spec": spec}))


def test_tools_that_apply_in_different_ways_do_not_conflict(
    repository: Repository, tmp_path: Path, kubectl: Kubectl
) -> None:
    for way in WAYS:
        other = Repository(tmp_path, kubectl, repository.namespace, way)
        other.apply()
        assert other.difference() == ""
    repository.apply()
    assert repository.difference() == ""


async def test_a_word_about_a_rollout_stays(repository: Repository, kubectl: Kubectl, kube: KubeClient) -> None:
    patch(repository, kubectl, "mdep/flights", {"paused": True, "rollout": ROLLOUT})
    assert repository.difference() == ""
    repository.apply()
    found = await kube.get(MODEL_DEPLOYMENT, repository.namespace, "flights")
    assert found is not None
    assert (found["spec"]["paused"], found["spec"]["rollout"]) == (True, ROLLOUT)


async def test_an_approval_stays(repository: Repository, kubectl: Kubectl, kube: KubeClient) -> None:
    patch(repository, kubectl, "mver/flights-7", {"approval": {"decision": "Approved", "reason": "It is good."}})
    assert repository.difference() == ""
    repository.apply()
    found = await kube.get(MODEL_VERSION, repository.namespace, "flights-7")
    assert found is not None
    assert found["spec"]["approval"] == {"decision": "Approved", "reason": "It is good."}


async def test_what_the_actions_set_is_taken_and_stays(
    repository: Repository, kubectl: Kubectl, kube: KubeClient
) -> None:
    actions = Actions((CUSTOMIZATIONS / "actions/ModelDeployment.yaml").read_text())
    head = {"namespace": repository.namespace, "name": "flights"}
    canary: dict[str, Any] = {"version": 2, "revision": "abc", "inferenceService": "flights-abc", "weight": 10}
    times = {"since": "2026-01-01T00:00:00Z", "started": "2026-01-01T00:00:00Z"}
    status = {"observedGeneration": 1, "canary": {**canary, **times, "step": 0}}
    await kube.apply_status(MODEL_DEPLOYMENT, {"metadata": head, "status": status}, manager="test")
    for name in ("promote", "reject", "retry", "pause", "resume"):
        found = await kube.get(MODEL_DEPLOYMENT, repository.namespace, "flights")
        assert found is not None
        patch(repository, kubectl, "mdep/flights", actions.patch(name, found)["spec"], "argocd-server")
        now = await kube.get(MODEL_DEPLOYMENT, repository.namespace, "flights")
        repository.apply()
        assert now is not None
        assert now["spec"] != found["spec"], name
        after = await kube.get(MODEL_DEPLOYMENT, repository.namespace, "flights")
        assert after is not None
        assert after["spec"] == now["spec"], name
    assert repository.difference() == ""
