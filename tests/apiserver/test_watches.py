"""Watches by the real kopf: what reaches the queue, and kinds whose definition comes, goes and comes again."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
import yaml

from perennial.core.clock import SystemClock
from perennial.core.controller import Controller, Discovery
from perennial.core.enqueue import Enqueuer
from perennial.core.known import Known
from perennial.core.metrics import Metrics
from perennial.core.queue import Key, WorkQueue
from perennial.core.settings import Settings
from perennial.core.watches import CONTROLLER_LABEL, NAME_LABEL, WATCHES, Watch, key_of
from perennial.ports.kinds import CONFIG_MAP, GATEWAY, JOB, MODEL_VERSION, POD, Kind
from perennial.ports.kube import Credentials, KubeClient, Object
from tests.apiserver.foreign import definition
from tests.apiserver.support import Kubectl, eventually

LATE = Kind("late.example.dev", "v1", "gadgets", "Gadget")
SETTINGS = Settings(
    trainer_image="trainer", namespace="perennial-system", pod_name="pod", discovery_seconds=0.3, retry_seconds=0.2
)
FRESH = (None, "ADDED")
Seen = list[tuple[str, str | None, str]]
Watching = Callable[..., contextlib.AbstractAsyncContextManager[Seen]]


def own_key(obj: Object, _: Known) -> Iterator[Key]:
    yield key_of(LATE, obj)


@pytest.fixture
def watching(operator_kube: KubeClient) -> Watching:
    """A context in which kinds are watched, and which fills a list of (kind, event type, name) as they come."""

    @contextlib.asynccontextmanager
    async def watch(*watches: Watch, kube: Discovery = operator_kube, **settings: Any) -> AsyncIterator[Seen]:
        seen: Seen = []

        def sink(watch: Watch, type: str | None, obj: Object) -> None:  # noqa: A002
            seen.append((watch.kind.kind, type, obj["metadata"]["name"]))

        controller = Controller(kube, SETTINGS.model_copy(update=settings), watches, sink, Metrics())
        task = asyncio.create_task(controller.run())
        try:
            yield seen
        finally:
            task.cancel()
            await asyncio.wait({task}, timeout=10)

    return watch


async def has(seen: Seen, kind: str, name: str, *types: str | None) -> None:
    """Wait for an event of this object; of a fresh one it depends on the moment whether it comes by list or watch."""

    async def there() -> bool:
        return any(entry[0] == kind and entry[2] == name and entry[1] in (types or FRESH) for entry in seen)

    await eventually(there, (kind, name, types, seen), 30)


def pod(namespace: str, name: str, labels: dict[str, str]) -> Object:
    container = {"name": "main", "image": "image"}
    return {"metadata": {"namespace": namespace, "name": name, "labels": labels}, "spec": {"containers": [container]}}


async def test_events_of_what_was_there_and_of_what_comes(watching: Watching, kube: KubeClient, namespace: str) -> None:
    labels = {CONTROLLER_LABEL: "TrainingRun", NAME_LABEL: "run"}
    before = await kube.create(POD, pod(namespace, "before", labels))
    async with watching(Watch(POD, own_key, selector=CONTROLLER_LABEL)) as seen:
        await has(seen, "Pod", "before", None)
        await kube.create(POD, pod(namespace, "after", labels))
        await has(seen, "Pod", "after", "ADDED")
        changed = {"namespace": namespace, "name": "before", "labels": labels | {"a": "b"}}
        await kube.apply(POD, {"metadata": changed}, manager="test")
        await has(seen, "Pod", "before", "MODIFIED")
        await kube.delete(POD, before)
        await has(seen, "Pod", "before", "DELETED")


async def test_objects_without_our_label_are_not_even_sent(
    watching: Watching, kube: KubeClient, namespace: str
) -> None:
    await kube.create(POD, pod(namespace, "theirs-before", {"a": "b"}))
    async with watching(Watch(POD, own_key, selector=CONTROLLER_LABEL)) as seen:
        await kube.create(POD, pod(namespace, "theirs", {"a": "b"}))
        await kube.create(POD, pod(namespace, "ours", {CONTROLLER_LABEL: "TrainingRun"}))
        await has(seen, "Pod", "ours")
    assert not [entry for entry in seen if entry[2].startswith("theirs")]


async def test_only_the_given_namespaces(watching: Watching, kube: KubeClient, namespace: str) -> None:
    async with watching(Watch(CONFIG_MAP, own_key), kube=kube, namespaces=(namespace,)) as seen:
        await kube.create(CONFIG_MAP, {"metadata": {"namespace": "default", "name": f"{namespace}-elsewhere"}})
        await kube.create(CONFIG_MAP, {"metadata": {"namespace": namespace, "name": "here"}})
        await has(seen, "ConfigMap", "here")
    assert not [entry for entry in seen if entry[2].endswith("elsewhere")]


async def test_a_definition_that_comes_goes_and_comes_again(
    watching: Watching, kube: KubeClient, kubectl: Kubectl, namespace: str
) -> None:
    install = yaml.safe_dump(definition(LATE))
    async with watching(Watch(LATE, own_key), Watch(CONFIG_MAP, own_key), kube=kube) as seen:
        await kube.create(CONFIG_MAP, {"metadata": {"namespace": namespace, "name": "meanwhile"}})
        await has(seen, "ConfigMap", "meanwhile")
        for name in ("first", "second"):
            kubectl("apply", "-f", "-", stdin=install)
            kubectl.wait_for_definitions()
            await kube.create(LATE, {"metadata": {"namespace": namespace, "name": name}})
            await has(seen, "Gadget", name)
            await kube.delete(LATE, await _read(kube, namespace, name))
            kubectl("delete", "crd", f"{LATE.plural}.{LATE.group}")
            await eventually(lambda: _gone(kube), "the definition is gone", 30)
        await kube.create(CONFIG_MAP, {"metadata": {"namespace": namespace, "name": "afterwards"}})
        await has(seen, "ConfigMap", "afterwards")


class Refused:
    """The real client, which has no credentials at first: kopf ends."""

    def __init__(self, kube: KubeClient) -> None:
        self._kube = kube
        self.asked = 0

    async def served(self, group_version: Kind) -> frozenset[str]:
        return await self._kube.served(group_version)

    async def credentials(self) -> Credentials:
        self.asked += 1
        if self.asked == 1:
            raise OSError("the token's file is being replaced")
        return await self._kube.credentials()


async def test_watches_that_end_are_started_anew(watching: Watching, kube: KubeClient, namespace: str) -> None:
    refused = Refused(kube)
    async with watching(Watch(CONFIG_MAP, own_key), kube=refused) as seen:
        await kube.create(CONFIG_MAP, {"metadata": {"namespace": namespace, "name": "one"}})
        await has(seen, "ConfigMap", "one")
    assert refused.asked == 2


async def _read(kube: KubeClient, namespace: str, name: str) -> Object:
    obj = await kube.get(LATE, namespace, name)
    assert obj is not None
    return obj


async def _gone(kube: KubeClient) -> bool:
    return LATE.plural not in await kube.served(LATE)


async def test_every_watched_kind_reaches_the_queue(
    operator_kube: KubeClient, kube: KubeClient, namespace: str
) -> None:
    """With the operator's own permissions, and through the routes of the running operator."""
    metrics, queue = Metrics(), WorkQueue(SystemClock())
    enqueuer = Enqueuer(queue, metrics, 300)
    controller = Controller(operator_kube, SETTINGS, WATCHES, enqueuer.event, metrics)
    task = asyncio.create_task(controller.run())
    mine = Key("ModelVersion", namespace, "m-1")
    for kind in {watch.kind for watch in WATCHES} - {GATEWAY}:
        obj = _minimal(kind, namespace, mine)
        if obj is None:
            continue
        await kube.create(kind, obj)
        assert await asyncio.wait_for(_next(queue, mine), 20) == mine, kind
        assert metrics.registry.get_sample_value("perennial_watch_events_total", {"kind": kind.kind})
    task.cancel()
    await asyncio.wait({task}, timeout=10)


async def _next(queue: WorkQueue, wanted: Key) -> Key:
    while (key := await queue.get()) != wanted:
        queue.done(key)
    queue.done(key)
    while (key_again := queue.take()) is not None:  # what the same event added once more
        queue.done(key_again)
    return key


def _minimal(kind: Kind, namespace: str, owner: Key) -> Object | None:
    labels = {CONTROLLER_LABEL: owner.kind, NAME_LABEL: owner.name}
    metadata = {"namespace": namespace, "name": f"child-{kind.plural}", "labels": labels}
    template = {"containers": [{"name": "main", "image": "image"}], "restartPolicy": "Never"}
    if kind == MODEL_VERSION:
        artifact = {"uri": "pvc://models/m", "sha256": "0" * 64}
        spec = {"modelName": "m", "version": 1, "artifact": artifact}
        return {"metadata": {"namespace": namespace, "name": "m-1"}, "spec": spec}
    if kind.group == "perennial.dev":
        return None
    specs: dict[Kind, Any] = {POD: template, JOB: {"template": {"spec": template}}}
    return {"metadata": metadata, "spec": specs.get(kind, {})}
