"""The operator's role: every verb that it uses, and no other."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from perennial.core.watches import WATCHES
from perennial.ports.kinds import JOB, MODEL_DEPLOYMENT, MODEL_VERSION, POD, TRAINING_RUN
from perennial.ports.kube import KubeClient
from tests.apiserver import playing
from tests.apiserver.installation import installation
from tests.apiserver.security import cluster, grants, mainjob
from tests.apiserver.support import Kubectl, OperatorProcess, eventually, until


@pytest.fixture
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kubectl]:
    """A cluster of its own: what other tests leave behind makes the operator ask for what it is refused."""
    with installation(tmp_path_factory.mktemp("granted"), audit=True) as kubectl:
        yield kubectl


async def test_no_verb_is_granted_that_the_main_job_does_not_use(
    secured: Kubectl, admin: KubeClient, operator: KubeClient, namespace: str, tmp_path: Path
) -> None:
    """The whole of it: a process for watches, lease and training; reconcilers for what needs evidence and time."""
    await _process(secured, admin, namespace, tmp_path)
    second = f"{namespace}-steps"
    secured("create", "namespace", second)
    job = mainjob.MainJob(admin, operator, second, mainjob.look_away)
    for part in (job.train, job.verify, job.of_run, job.deploy):
        await part()
    events = cluster.audited(secured)
    refused = [each for each in events if each["responseStatus"]["code"] == 403]
    assert not refused, refused[0]
    granted = {each for each in grants.granted() if each.verb not in grants.NOT_OF_THE_API}
    limits = {(each.group, each.resource): each.name for each in granted if each.name}
    assert grants.used(events, limits) == granted


async def _process(kubectl: Kubectl, admin: KubeClient, namespace: str, directory: Path) -> None:
    """From nothing to a version, by the program itself: two lives, so that the lease is given back and taken again."""
    kubectl("-n", cluster.SYSTEM, "delete", "lease", "--all")
    account = kubectl.kubeconfig_of(cluster.SYSTEM, "perennial-operator", directory)
    for life in ("first", "second"):
        process = OperatorProcess(account, directory / f"{life}.log", life, {})
        try:
            until(process.leads, f"the {life} leads")
            if life == "first":
                await _train(admin, namespace)
                until(lambda: _watched(kubectl) == {watch.kind.plural for watch in WATCHES}, "all kinds are watched")
            process.signal(signal.SIGTERM)
            assert process.exit_code() == 0
        finally:
            process.end()


def _watched(kubectl: Kubectl) -> set[str]:
    return {each["objectRef"]["resource"] for each in cluster.audited(kubectl) if each["verb"] == "watch"}


async def _train(admin: KubeClient, namespace: str) -> None:
    for claim in ("flights-data", "models"):
        await playing.make_claim(admin, namespace, claim)
    made = await admin.create(TRAINING_RUN, mainjob.run(namespace))
    await admin.create(MODEL_DEPLOYMENT, mainjob.deployment(namespace))
    job = await eventually(lambda: admin.get(JOB, namespace, "january"), "a Job", 60)
    await playing.make_pod(admin, job, playing.ended("train", 0, playing.trained(namespace, made["metadata"]["uid"])))
    await playing.end_job(admin, job, "Complete")
    await eventually(lambda: admin.get(MODEL_VERSION, namespace, "flights-1"), "a version", 60)
    assert await admin.list(POD, namespace)
