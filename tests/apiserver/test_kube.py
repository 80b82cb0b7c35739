"""The real client against a real apiserver: what reconcilers rely on."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from perennial.ports.kinds import CONFIG_MAP, JOB, LEASE, POD_DISRUPTION_BUDGET, Kind
from perennial.ports.kube import (
    AlreadyExists,
    Conflict,
    Forbidden,
    Invalid,
    KubeClient,
    NotFound,
    NotInstalled,
    NotLeading,
    Unavailable,
)

ABSENT = Kind("absent.example.dev", "v1", "widgets", "Widget")
ABSENT_IN_GROUP = Kind("apps", "v1", "widgets", "Widget")


def config_map(
    namespace: str, name: str = "one", data: dict[str, str] | None = None, **metadata: Any
) -> dict[str, Any]:
    return {"metadata": {"namespace": namespace, "name": name, **metadata}, "data": data or {"a": "1"}}


def budget(namespace: str, **status: Any) -> dict[str, Any]:
    spec = {"minAvailable": 1, "selector": {"matchLabels": {"a": "b"}}}
    obj: dict[str, Any] = {"metadata": {"namespace": namespace, "name": "pdb"}, "spec": spec}
    return obj | ({"status": status} if status else {})


async def test_create_and_get(kube: KubeClient, namespace: str) -> None:
    assert await kube.get(CONFIG_MAP, namespace, "one") is None
    created = await kube.create(CONFIG_MAP, config_map(namespace))
    assert await kube.get(CONFIG_MAP, namespace, "one") == created
    assert created["metadata"]["uid"]


async def test_a_name_that_is_taken(kube: KubeClient, namespace: str) -> None:
    await kube.create(CONFIG_MAP, config_map(namespace))
    with pytest.raises(AlreadyExists, match="one"):
        await kube.create(CONFIG_MAP, config_map(namespace))


async def test_list_by_labels(kube: KubeClient, namespace: str) -> None:
    await kube.create(CONFIG_MAP, config_map(namespace, "one", labels={"a": "1", "b": "1"}))
    await kube.create(CONFIG_MAP, config_map(namespace, "two", labels={"a": "1", "b": "2"}))
    both = await kube.list(CONFIG_MAP, namespace, {"a": "1"})
    assert [obj["metadata"]["name"] for obj in both] == ["one", "two"]
    assert {(obj["apiVersion"], obj["kind"]) for obj in both} == {("v1", "ConfigMap")}
    (two,) = await kube.list(CONFIG_MAP, labels={"a": "1", "b": "2"})
    assert two["metadata"]["namespace"] == namespace
    assert await kube.list(CONFIG_MAP, namespace, {"a": "3"}) == []


async def test_apply_creates_and_then_changes(kube: KubeClient, namespace: str) -> None:
    await kube.apply(CONFIG_MAP, config_map(namespace, data={"a": "1", "b": "1"}), manager="perennial")
    changed = await kube.apply(CONFIG_MAP, config_map(namespace, data={"a": "2"}), manager="perennial")
    assert changed["data"] == {"a": "2"}, "a field dropped from the intent is dropped from the object"


async def test_the_same_apply_changes_nothing(kube: KubeClient, namespace: str) -> None:
    first = await kube.apply(CONFIG_MAP, config_map(namespace), manager="perennial")
    again = await kube.apply(CONFIG_MAP, config_map(namespace), manager="perennial")
    assert first["metadata"]["resourceVersion"] == again["metadata"]["resourceVersion"]


async def test_apply_takes_our_fields_and_leaves_those_of_others(kube: KubeClient, namespace: str) -> None:
    await kube.apply(CONFIG_MAP, config_map(namespace, data={"a": "theirs", "c": "theirs"}), manager="other")
    mine = await kube.apply(CONFIG_MAP, config_map(namespace, data={"a": "ours"}), manager="perennial")
    assert mine["data"] == {"a": "ours", "c": "theirs"}


async def test_a_resource_version_guards_an_apply(kube: KubeClient, namespace: str) -> None:
    read = await kube.apply(CONFIG_MAP, config_map(namespace), manager="perennial")
    await kube.apply(CONFIG_MAP, config_map(namespace, data={"a": "2"}), manager="other")
    guard = {"resourceVersion": read["metadata"]["resourceVersion"]}
    with pytest.raises(Conflict):
        await kube.apply(CONFIG_MAP, config_map(namespace, data={"a": "3"}, **guard), manager="perennial")


async def test_status_is_applied_apart_from_the_spec(kube: KubeClient, namespace: str) -> None:
    created = await kube.create(POD_DISRUPTION_BUDGET, budget(namespace))
    wanted = {"expectedPods": 3, "currentHealthy": 2, "desiredHealthy": 1, "disruptionsAllowed": 1}
    obj = budget(namespace, **wanted)
    obj["metadata"] |= {"resourceVersion": created["metadata"]["resourceVersion"], "labels": {"not": "written"}}
    obj["spec"] = {"minAvailable": 9}
    written = await kube.apply_status(POD_DISRUPTION_BUDGET, obj, manager="perennial")
    assert written["status"] == wanted
    assert written["spec"]["minAvailable"] == 1
    assert "labels" not in written["metadata"]


async def test_a_stale_status_is_a_conflict(kube: KubeClient, namespace: str) -> None:
    created = await kube.create(POD_DISRUPTION_BUDGET, budget(namespace))
    obj = budget(namespace, expectedPods=3, currentHealthy=2, desiredHealthy=1, disruptionsAllowed=1)
    obj["metadata"]["resourceVersion"] = created["metadata"]["resourceVersion"]
    await kube.apply_status(POD_DISRUPTION_BUDGET, obj, manager="perennial")
    with pytest.raises(Conflict):
        await kube.apply_status(POD_DISRUPTION_BUDGET, obj | {"status": {"expectedPods": 4}}, manager="perennial")


async def test_a_status_of_nothing(kube: KubeClient, namespace: str) -> None:
    status = {"expectedPods": 3, "currentHealthy": 2, "desiredHealthy": 1, "disruptionsAllowed": 1}
    with pytest.raises(NotFound):
        await kube.apply_status(POD_DISRUPTION_BUDGET, budget(namespace, **status), manager="perennial")


async def test_delete_spares_another_object_of_the_same_name(kube: KubeClient, namespace: str) -> None:
    first = await kube.create(CONFIG_MAP, config_map(namespace))
    await kube.delete(CONFIG_MAP, first)
    await kube.delete(CONFIG_MAP, first)
    second = await kube.create(CONFIG_MAP, config_map(namespace))
    await kube.delete(CONFIG_MAP, first)
    assert await kube.get(CONFIG_MAP, namespace, "one") == second


@pytest.mark.parametrize("kind", [ABSENT, ABSENT_IN_GROUP])
async def test_a_kind_that_is_not_installed(kube: KubeClient, namespace: str, kind: Kind) -> None:
    obj = {"metadata": {"namespace": namespace, "name": "one", "uid": "1"}, "status": {}}
    with pytest.raises(NotInstalled):
        await kube.get(kind, namespace, "one")
    with pytest.raises(NotInstalled):
        await kube.list(kind)
    with pytest.raises(NotInstalled):
        await kube.create(kind, obj)
    with pytest.raises(NotInstalled):
        await kube.apply(kind, obj, manager="perennial")
    assert "widgets" not in await kube.served(kind)


async def test_a_namespace_that_is_not_there(kube: KubeClient) -> None:
    with pytest.raises(NotFound, match="nowhere"):
        await kube.create(CONFIG_MAP, config_map("nowhere"))


async def test_what_the_apiserver_refuses_comes_with_its_sentence(kube: KubeClient, namespace: str) -> None:
    job = {"metadata": {"namespace": namespace, "name": "job"}, "spec": {"parallelism": -1}}
    with pytest.raises(Invalid, match="parallelism"):
        await kube.create(JOB, job)


async def test_what_the_role_does_not_allow(operator_kube: KubeClient, namespace: str) -> None:
    with pytest.raises(Forbidden, match="configmaps"):
        await operator_kube.create(CONFIG_MAP, config_map(namespace))


@pytest.fixture
def dead_kubeconfig(apiserver: Path, tmp_path: Path) -> str:
    """The kubeconfig of an apiserver that is not there."""
    config = yaml.safe_load(apiserver.read_text())
    config["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:1"
    (tmp_path / "kubeconfig").write_text(yaml.safe_dump(config))
    return str(tmp_path / "kubeconfig")


async def test_an_apiserver_that_is_not_there(dead_kubeconfig: str) -> None:
    client = await KubeClient.connect(kubeconfig=dead_kubeconfig)
    with pytest.raises(Unavailable, match=r"127\.0\.0\.1"):
        await client.list(CONFIG_MAP, "default")
    await client.close()


class Gate:
    """Says what the test wants."""

    seconds = 1.0

    def remaining(self) -> float:
        return self.seconds

    def told(self, *, leads: bool) -> None:
        pass


async def test_no_write_passes_a_closed_gate_and_every_read_does(kube: KubeClient, namespace: str) -> None:
    gate = Gate()
    gated = kube.gated(gate)
    created = await gated.create(CONFIG_MAP, config_map(namespace))
    gate.seconds = 0
    for write in (
        gated.create(CONFIG_MAP, config_map(namespace, "two")),
        gated.apply(CONFIG_MAP, config_map(namespace, "two"), manager="perennial"),
        gated.apply_status(CONFIG_MAP, config_map(namespace) | {"status": {}}, manager="perennial"),
        gated.delete(CONFIG_MAP, created),
        gated.update(LEASE, created),
    ):
        with pytest.raises(NotLeading):
            await write
    assert [obj["metadata"]["name"] for obj in await gated.list(CONFIG_MAP, namespace)] == ["one"]


async def test_every_call_is_counted(apiserver: Path, namespace: str) -> None:
    calls: list[tuple[str, str, int]] = []
    client = await KubeClient.connect(lambda *call: calls.append(call), str(apiserver))
    created = await client.create(CONFIG_MAP, config_map(namespace))
    await client.apply(CONFIG_MAP, config_map(namespace), manager="perennial")
    await client.list(CONFIG_MAP, namespace)
    await client.delete(CONFIG_MAP, created)
    await client.get(CONFIG_MAP, namespace, "one")
    await client.close()
    assert calls == [
        ("create", "configmaps", 201),
        ("patch", "configmaps", 200),
        ("list", "configmaps", 200),
        ("delete", "configmaps", 200),
        ("get", "configmaps", 404),
    ]
