"""Only the pod that a preflight's Job made says how the preflight ended."""

from __future__ import annotations

from typing import Any

import pytest

from perennial.ports.kinds import JOB
from tests.unit.controllers.modeldeployment.objects import NAMESPACE, job_pod, outcome, version
from tests.unit.controllers.modeldeployment.world import World


async def failed_preflight() -> tuple[World, dict[str, Any]]:
    world = World(version(1))
    for _ in range(4):
        await world.step()
        await world.serve()
        await world.route_taken()
    await world.preflight("Failed", "the Job's own words")
    (job,) = await world.kube.list(JOB, NAMESPACE)
    return world, job


async def test_its_own_pod_is_heard() -> None:
    world, job = await failed_preflight()
    world.kube.put(job_pod(job, outcome("row 3: 0.1, not 0.2")))
    await world.step()
    assert "row 3: 0.1, not 0.2" in await world.says("Stalled")


@pytest.mark.parametrize("owner", [{"uid": "someone-else"}, {"controller": False}, {"kind": "ReplicaSet"}])
async def test_a_pod_that_only_looks_like_it_is_not(owner: dict[str, Any]) -> None:
    world, job = await failed_preflight()
    world.kube.put(job_pod(job, outcome("forged"), **owner))
    await world.step()
    assert "forged" not in await world.says("Stalled")
    assert "the Job's own words" in await world.says("Stalled")
