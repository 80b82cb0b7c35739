"""The status write: only when something differs, guarded by what was read."""

import pytest

from perennial.core.status import write_status
from perennial.ports.kinds import MODEL_VERSION, Kind
from perennial.ports.kube import Conflict, Object
from perennial.ports.kube_fake import RecordingKube


def version(status: dict[str, object] | None = None) -> dict[str, object]:
    obj: dict[str, object] = {
        "apiVersion": "perennial.dev/v1alpha1",
        "kind": "ModelVersion",
        "metadata": {"namespace": "serve", "name": "m-1", "labels": {"a": "b"}},
        "spec": {"modelName": "m"},
    }
    return obj if status is None else obj | {"status": status}


async def read(kube: RecordingKube) -> dict[str, object]:
    obj = await kube.get(MODEL_VERSION, "serve", "m-1")
    assert obj is not None
    return obj


async def test_the_same_status_costs_no_request() -> None:
    kube = RecordingKube(version({"observedGeneration": 1}))
    assert not await write_status(kube, MODEL_VERSION, await read(kube), {"observedGeneration": 1}, "m")
    assert kube.writes == []


async def test_nothing_read_and_nothing_wanted_costs_no_request() -> None:
    kube = RecordingKube(version())
    assert not await write_status(kube, MODEL_VERSION, await read(kube), {}, "m")


async def test_a_null_is_the_same_as_absent() -> None:
    kube = RecordingKube(version({"a": {"b": 1}}))
    assert not await write_status(kube, MODEL_VERSION, await read(kube), {"a": {"b": 1, "c": None}, "d": None}, "m")


async def test_a_difference_is_written_without_spec_and_labels() -> None:
    kube = RecordingKube(version())
    assert await write_status(kube, MODEL_VERSION, await read(kube), {"observedGeneration": 1}, "perennial")
    (write,) = kube.writes
    assert (write.verb, write.subresource, write.manager) == ("patch", "status", "perennial")
    assert set(write.body["metadata"]) == {"namespace", "name", "uid", "resourceVersion"}
    assert set(write.body) == {"metadata", "status"}
    assert (await read(kube))["status"] == {"observedGeneration": 1}


async def test_a_stale_reading_is_a_conflict() -> None:
    kube = RecordingKube(version())
    stale = await read(kube)
    kube.put(await read(kube))
    with pytest.raises(Conflict):
        await write_status(kube, MODEL_VERSION, stale, {"observedGeneration": 1}, "m")


async def test_what_others_left_in_it_is_taken_out() -> None:
    class Owned(RecordingKube):
        """Keeps what another field manager wrote, as server-side apply does."""

        async def apply_status(self, kind: Kind, obj: Object, *, manager: str) -> Object:
            return await super().apply_status(
                kind, {**obj, "status": {"ghost": {"a": 1}, **obj["status"]}}, manager=manager
            )

    kube = Owned(version({"ghost": {"a": 1}}))
    assert await write_status(kube, MODEL_VERSION, await read(kube), {"observedGeneration": 1}, "m")
    assert (await read(kube))["status"] == {"observedGeneration": 1}
    assert kube.writes[-1].body["status"] == {"ghost": None}
    assert not await write_status(kube, MODEL_VERSION, await read(kube), {"observedGeneration": 1}, "m")
