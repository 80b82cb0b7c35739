"""A write is checked again right before its bytes leave."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import yaml
from aiohttp import web

from perennial.ports.kinds import MODEL_VERSION
from perennial.ports.kube import KubeClient, NotLeading

OBJECT = {"metadata": {"namespace": "serve", "name": "m-1"}, "spec": {}}


class Closing:
    """A gate that is open for the first `looks` questions."""

    def __init__(self, looks: int) -> None:
        self.looks = looks

    def remaining(self) -> float:
        self.looks -= 1
        return 5.0 if self.looks >= 0 else 0.0

    def told(self, *, leads: bool) -> None:
        """Nothing to learn here."""


@asynccontextmanager
async def apiserver(folder: Path) -> AsyncIterator[tuple[KubeClient, list[str]]]:
    """A client, and the methods of the requests that arrived."""
    arrived: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        arrived.append(request.method)
        return web.json_response({"metadata": {}, "items": []})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    client = await KubeClient.connect(kubeconfig=str(kubeconfig(folder, runner.addresses[0][1])))
    yield client, arrived
    await client.close()
    await runner.cleanup()


def kubeconfig(folder: Path, port: int) -> Path:
    path = folder / "kubeconfig"
    cluster = {"name": "c", "cluster": {"server": f"http://127.0.0.1:{port}"}}
    context = {"name": "x", "context": {"cluster": "c", "user": "u"}}
    config = {"clusters": [cluster], "contexts": [context], "current-context": "x"}
    path.write_text(yaml.safe_dump(config | {"users": [{"name": "u", "user": {"token": "t"}}]}))
    return path


# Looked at before the request is built, and for its timeout; then right before it is sent.
BEFORE = 2


async def test_a_gate_that_closes_on_the_way_stops_the_request(tmp_path: Path) -> None:
    async with apiserver(tmp_path) as (client, arrived):
        gated = client.gated(Closing(BEFORE))
        with pytest.raises(NotLeading):
            await gated.apply(MODEL_VERSION, OBJECT, manager="test")
        assert arrived == []
        await client.gated(Closing(BEFORE + 1)).apply(MODEL_VERSION, OBJECT, manager="test")
        assert arrived == ["PATCH"]


@pytest.mark.parametrize("verb", ["create", "delete", "apply"])
async def test_every_kind_of_write_is_checked(tmp_path: Path, verb: str) -> None:
    async with apiserver(tmp_path) as (client, arrived):
        gated = client.gated(Closing(BEFORE))
        obj = {**OBJECT, "metadata": {**OBJECT["metadata"], "uid": "u"}}
        more = {"manager": "test"} if verb == "apply" else {}
        with pytest.raises(NotLeading):
            await getattr(gated, verb)(MODEL_VERSION, obj, **more)
        assert arrived == []


async def test_reads_pass_a_closed_gate(tmp_path: Path) -> None:
    async with apiserver(tmp_path) as (client, arrived):
        assert await client.gated(Closing(0)).list(MODEL_VERSION) == []
        assert arrived == ["GET"]
