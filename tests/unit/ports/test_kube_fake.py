"""The fake keeps to what unit tests rely on."""

import pytest

from perennial.ports.kinds import CONFIG_MAP, JOB
from perennial.ports.kube import AlreadyExists, Conflict, Kube, NotFound, NotInstalled
from perennial.ports.kube_fake import RecordingKube


def made(name: str = "a", **data: str) -> dict[str, object]:
    return {"metadata": {"namespace": "serve", "name": name, "labels": {"is": name}}, "data": data}


async def test_reading_gives_copies() -> None:
    kube: Kube = RecordingKube()
    await kube.create(CONFIG_MAP, made(x="1"))
    first = await kube.get(CONFIG_MAP, "serve", "a")
    assert first is not None
    first["data"]["x"] = "2"
    again = await kube.get(CONFIG_MAP, "serve", "a")
    assert again is not None
    assert again["data"] == {"x": "1"}


async def test_create_twice() -> None:
    kube = RecordingKube()
    await kube.create(CONFIG_MAP, made())
    with pytest.raises(AlreadyExists):
        await kube.create(CONFIG_MAP, made())


async def test_apply_replaces_the_intent_and_keeps_the_status() -> None:
    kube = RecordingKube()
    created = await kube.create(CONFIG_MAP, made(x="1", y="1"))
    await kube.apply_status(CONFIG_MAP, {**created, "status": {"z": 1}}, manager="m")
    applied = await kube.apply(CONFIG_MAP, made(x="2"), manager="m")
    assert (applied["data"], applied["status"]) == ({"x": "2"}, {"z": 1})
    assert applied["metadata"]["uid"] == created["metadata"]["uid"]


async def test_the_same_apply_keeps_the_version() -> None:
    kube = RecordingKube()
    first = await kube.apply(CONFIG_MAP, made(x="1"), manager="m")
    assert await kube.apply(CONFIG_MAP, made(x="1"), manager="m") == first


async def test_guards() -> None:
    kube = RecordingKube()
    old = await kube.create(CONFIG_MAP, made())
    await kube.apply(CONFIG_MAP, made(x="1"), manager="m")
    with pytest.raises(Conflict):
        await kube.apply(CONFIG_MAP, old, manager="m")
    with pytest.raises(NotFound):
        await kube.apply_status(CONFIG_MAP, made("b") | {"status": {}}, manager="m")


async def test_list_by_labels_and_delete_by_uid() -> None:
    kube = RecordingKube()
    first = await kube.create(CONFIG_MAP, made("a"))
    await kube.create(CONFIG_MAP, made("b"))
    assert [obj["metadata"]["name"] for obj in await kube.list(CONFIG_MAP, "serve", {"is": "b"})] == ["b"]
    await kube.delete(CONFIG_MAP, {"metadata": {**first["metadata"], "uid": "another"}})
    assert await kube.get(CONFIG_MAP, "serve", "a") is not None
    await kube.delete(CONFIG_MAP, first)
    assert await kube.get(CONFIG_MAP, "serve", "a") is None
    assert [write.verb for write in kube.writes] == ["create", "create", "delete"]


async def test_a_missing_kind() -> None:
    with pytest.raises(NotInstalled):
        await RecordingKube(missing=(JOB,)).list(JOB)
