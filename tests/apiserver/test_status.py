"""The status write against the apiserver's ownership of fields."""

from perennial.core.status import write_status
from perennial.ports.kinds import MODEL_VERSION
from perennial.ports.kube import KubeClient

CONDITION = {"status": "True", "reason": "Restored", "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z"}
OURS = {"observedGeneration": 1, "inUseBy": ["late"], "conditions": [{"type": "Ready", **CONDITION}]}
THEIRS = {"inUse": "late (stable)", "rejectedBy": ["other"], "conditions": [{"type": "Stalled", **CONDITION}]}


async def test_a_status_that_was_restored_by_others_becomes_what_we_say(
    kube: KubeClient, operator_kube: KubeClient, namespace: str
) -> None:
    spec = {"modelName": "m", "version": 1, "artifact": {"uri": "pvc://models/m", "sha256": "0" * 64}}
    made = await kube.create(MODEL_VERSION, {"metadata": {"namespace": namespace, "name": "m-1"}, "spec": spec})
    restored = await kube.apply_status(MODEL_VERSION, {**made, "status": THEIRS}, manager="backup")
    assert await write_status(operator_kube, MODEL_VERSION, restored, OURS, "perennial")
    read = await kube.get(MODEL_VERSION, namespace, "m-1")
    assert read is not None
    assert read["status"] == OURS
    assert not await write_status(operator_kube, MODEL_VERSION, read, OURS, "perennial")
