"""A canary that is taken out for what is not its fault, on a real apiserver."""

from __future__ import annotations

from perennial.ports.kinds import POD
from tests.apiserver.modeldeployment.stage import Stage
from tests.apiserver.modeldeployment.test_main_job import canary, first

EVICTED = {"phase": "Failed", "reason": "Evicted", "message": "The node was low on resource: memory."}


async def test_an_evicted_canary_is_withdrawn_and_tried_again(stage: Stage) -> None:
    await first(stage)
    await canary(stage)
    service = (await stage.status())["canary"]["inferenceService"]
    head = {"namespace": stage.namespace, "name": f"{service}-pod"}
    conditions = [{"type": "Ready", "status": "False"}]
    await stage.admin.apply_status(
        POD, {"metadata": head, "status": {**EVICTED, "conditions": conditions}}, manager="test"
    )
    await stage.step()
    assert await stage.weights() == {1: 100, 2: 0}
    assert (await stage.conditions())["Reconciling"] == ("True", "Withdrawn")
    status = await stage.status()
    assert (status["withdrawn"]["times"], status["history"][0]["outcome"]) == (1, "Withdrawn")
    await stage.play()
    await stage.settle()
    assert await stage.weights() == {1: 100}
    stage.clock.advance(31)
    await stage.until_followed(-1)
    assert (await stage.status())["canary"]["version"] == 2
