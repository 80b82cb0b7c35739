"""An installation for some namespaces: manifests/overlays/namespaced, with the program as its own service account."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from perennial.ports.kinds import JOB, MODEL_VERSION, TRAINING_RUN
from perennial.ports.kube import KubeClient
from tests.apiserver import playing
from tests.apiserver.installation import installation
from tests.apiserver.modeldeployment.stage import Stage
from tests.apiserver.security import cluster, mainjob
from tests.apiserver.support import Kubectl, OperatorProcess, eventually, until

SERVED, IGNORED, GATEWAY = "flights", "elsewhere", "envoy-gateway-system"


@pytest.fixture(scope="module")
def namespaced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kubectl]:
    """kubectl of an admin, on a cluster with this overlay."""
    folder = tmp_path_factory.mktemp("namespaced")
    with installation(folder, audit=True, overlay="namespaced", namespaces=(SERVED, IGNORED)) as kubectl:
        yield kubectl


def setting(kubectl: Kubectl, name: str) -> str:
    """What the overlay sets."""
    found = yaml.safe_load(kubectl("-n", cluster.SYSTEM, "get", "configmaps", "-o", "yaml"))["items"]
    (value,) = {each["data"][name] for each in found if name in (each.get("data") or {})}
    return str(value)


async def test_it_serves_its_namespaces_and_asks_for_no_other(namespaced: Kubectl, tmp_path: Path) -> None:
    admin = await KubeClient.connect(kubeconfig=str(namespaced.kubeconfig))
    account = namespaced.kubeconfig_of(cluster.SYSTEM, "perennial-operator", tmp_path)
    settings = {"namespaces": setting(namespaced, "PERENNIAL_NAMESPACES"), "resync_seconds": 2}
    await _claims_and_run(admin, IGNORED)
    process = OperatorProcess(account, tmp_path / "log", "operator-0", settings)
    try:
        until(process.leads, "it leads")
        await _train(admin)
        await _serve(admin)
        assert await admin.list(JOB, IGNORED) == []
        run = await admin.get(TRAINING_RUN, IGNORED, "january")
        assert run is not None
        assert "conditions" not in run.get("status", {})
    finally:
        process.end()
        await admin.close()
    events = cluster.audited(namespaced)
    assert {each["objectRef"].get("namespace") for each in events} == {SERVED, cluster.SYSTEM, GATEWAY}
    assert not [each for each in events if each["responseStatus"]["code"] == 403]
    assert "orbidden" not in process.log


async def _claims_and_run(admin: KubeClient, namespace: str) -> str:
    for claim in ("flights-data", "models"):
        await playing.make_claim(admin, namespace, claim)
    return str((await admin.create(TRAINING_RUN, mainjob.run(namespace)))["metadata"]["uid"])


async def _train(admin: KubeClient) -> None:
    uid = await _claims_and_run(admin, SERVED)
    job = await eventually(lambda: admin.get(JOB, SERVED, "january"), "a Job", 60)
    await playing.make_pod(admin, job, playing.ended("train", 0, playing.trained(SERVED, uid)))
    await playing.end_job(admin, job, "Complete")
    await eventually(lambda: admin.get(MODEL_VERSION, SERVED, "flights-1"), "a version", 60)


async def _serve(admin: KubeClient) -> None:
    """Through a Gateway in another namespace."""
    stage = Stage(SERVED, admin, admin)
    await stage.release(1)
    await stage.deploy()

    async def steady() -> bool:
        for job in await admin.list(JOB, SERVED):
            if not job.get("status", {}).get("conditions"):
                await playing.end_job(admin, job, "Complete")
        await stage.play()
        return ((await stage.get()).get("status") or {}).get("stable") is not None

    await eventually(steady, "the first version serves", 60)


def test_the_operator_has_no_right_elsewhere(namespaced: Kubectl) -> None:
    listed = namespaced("auth", "can-i", "--list", f"--as={cluster.OPERATOR}", "-n", IGNORED)
    rights = [line.split()[0] for line in listed.splitlines() if not line.startswith((" ", "Resources"))]
    assert not [each for each in rights if "perennial" in each or each in ("jobs.batch", "pods", "services")], listed
