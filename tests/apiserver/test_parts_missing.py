"""KServe and the Gateway API that are not there, or only later; and specs that were stored under older definitions."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import yaml

from perennial.controllers.guard import Guarded
from perennial.controllers.modeldeployment import ModelDeploymentReconciler
from perennial.controllers.modelversion import ModelVersionReconciler
from perennial.controllers.trainingrun import TrainingRunReconciler
from perennial.core.clock import FakeClock
from perennial.core.events import EventRecorder
from perennial.core.metrics import Metrics
from perennial.core.reconciling import Reconciler
from perennial.core.services import Services
from perennial.ports.kinds import (
    GATEWAY,
    HTTP_ROUTE,
    INFERENCE_SERVICE,
    MODEL_DEPLOYMENT,
    MODEL_VERSION,
    SERVING_RUNTIME,
    TRAINING_RUN,
    Kind,
)
from perennial.ports.kube import KubeClient, NotInstalled, Unavailable
from tests.apiserver.foreign import definition
from tests.apiserver.installation import install_gateway
from tests.apiserver.modeldeployment.stage import Stage
from tests.apiserver.playing import condition, message
from tests.apiserver.support import Kubectl, eventually, until
from tests.unit.controllers.modeldeployment.objects import deployment, version
from tests.unit.controllers.modeldeployment.world import SETTINGS, PlayedAnalysis


@pytest.fixture
async def stage(kubectl: Kubectl, kube: KubeClient, operator_kube: KubeClient, namespace: str) -> Stage:
    """A namespace with the reconciler under test, and the Gateway."""
    install_gateway(kubectl)
    return Stage(namespace, kube, operator_kube, kubectl=kubectl)


async def attempt(stage: Stage, *, play: bool) -> None:
    """A pass as a worker makes it: what another try may mend is no failure."""
    try:
        await stage.step()
        if play:
            await stage.play()
    except (NotInstalled, Unavailable):
        return


@contextmanager
def without(kubectl: Kubectl, kind: Kind) -> Iterator[None]:
    """The kind is not installed; afterwards it is."""
    kubectl("delete", "crd", f"{kind.plural}.{kind.group}", "--timeout=60s")
    try:
        yield
    finally:
        kubectl("apply", "--server-side", "-f", "-", stdin=yaml.safe_dump(definition(kind)))
        until(lambda: not kubectl.fails("get", f"{kind.plural}.{kind.group}"), f"{kind.plural} are served", 60)
        install_gateway(kubectl)


MISSED = [
    (HTTP_ROUTE, "GatewayNotInstalled"),
    (GATEWAY, "GatewayNotInstalled"),
    (INFERENCE_SERVICE, "KServeNotInstalled"),
    (SERVING_RUNTIME, "KServeNotInstalled"),
]


@pytest.mark.parametrize(("kind", "reason"), MISSED, ids=[kind.kind for kind, _ in MISSED])
async def test_a_kind_that_is_not_installed_or_taken_away_is_told_until_it_is_there(
    stage: Stage, kubectl: Kubectl, kind: Kind, reason: str
) -> None:
    await stage.release(1)
    await stage.deploy()

    async def told() -> bool:
        await attempt(stage, play=kind not in (INFERENCE_SERVICE, HTTP_ROUTE))
        conditions = (await stage.get()).get("status", {}).get("conditions", [])
        return reason in {each["reason"] for each in conditions}

    async def serves() -> bool:
        await attempt(stage, play=True)
        return (await stage.conditions()).get("UpToDate") == ("True", "TargetServes")

    with without(kubectl, kind):
        await eventually(told, f"{kind.plural} are missed from the beginning", 30)
    await eventually(serves, "installed later", 30)
    assert await stage.weights() == {1: 100}
    with without(kubectl, kind):
        await eventually(told, f"{kind.plural} are missed while it serves", 30)
    await eventually(serves, "installed again", 30)
    assert await stage.weights() == {1: 100}


OLD = {"x-kubernetes-preserve-unknown-fields": True, "type": "object"}
RUN = {"modelName": "late", "data": {"uri": "pvc://data/a.csv"}, "trainer": {}, "output": {"storageUri": "disk"}}
ARTIFACT = {"uri": "pvc://models/late", "sha256": "short"}
WITHOUT_ROUTER = {key: value for key, value in deployment()["spec"].items() if key != "router"}
INVALID = [
    (MODEL_DEPLOYMENT, "late", WITHOUT_ROUTER, deployment()["spec"], "spec.router"),
    (
        MODEL_DEPLOYMENT,
        "later",
        {**deployment()["spec"], "serving": {"replicas": 0}},
        None,
        "spec.serving.replicas",
    ),
    (MODEL_VERSION, "late-1", {**version(1)["spec"], "artifact": ARTIFACT}, None, "spec.artifact"),
    (TRAINING_RUN, "late", RUN, None, "spec.output.storageUri"),
]


@contextmanager
def older_definition(kubectl: Kubectl, kind: Kind) -> Iterator[None]:
    """A definition that takes any spec; afterwards the present one is there again."""
    name = f"{kind.plural}.{kind.group}"
    present = json.loads(kubectl("get", "crd", name, "-o", "json"))
    older = json.loads(json.dumps(present))
    schema = older["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    schema["properties"]["spec"] = OLD
    schema.pop("x-kubernetes-validations", None)
    replace(kubectl, older)
    try:
        yield
    finally:
        replace(kubectl, present)


def replace(kubectl: Kubectl, obj: dict[str, Any]) -> None:
    obj["metadata"].pop("resourceVersion", None)
    kubectl("replace", "-f", "-", stdin=json.dumps(obj))


@pytest.fixture
def reconciler(operator_kube: KubeClient) -> Callable[[Kind], Guarded]:
    """The reconciler of a kind, as the operator runs it."""

    def build(kind: Kind) -> Guarded:
        clock = FakeClock()
        events = EventRecorder(operator_kube, clock, "operator-0")
        analysis: Any = PlayedAnalysis()
        all_: list[Reconciler] = [
            TrainingRunReconciler(operator_kube, clock, SETTINGS, events),
            ModelVersionReconciler(operator_kube, clock, SETTINGS, events),
            ModelDeploymentReconciler(operator_kube, clock, SETTINGS, events, analysis, Metrics()),
        ]
        services = Services(operator_kube, clock, SETTINGS, events, Metrics(), lambda _: None)
        return Guarded(next(each for each in all_ if each.kind == kind), services)

    return build


@pytest.mark.parametrize(("kind", "name", "bad", "good", "place"), INVALID, ids=[each[4] for each in INVALID])
async def test_a_spec_stored_under_an_older_definition_is_told(
    kubectl: Kubectl,
    kube: KubeClient,
    namespace: str,
    reconciler: Callable[[Kind], Guarded],
    kind: Kind,
    name: str,
    bad: dict[str, Any],
    good: dict[str, Any] | None,
    place: str,
) -> None:
    metadata = {"namespace": namespace, "name": name}
    obj = {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": metadata, "spec": bad}
    with older_definition(kubectl, kind):
        text = json.dumps(obj)
        until(lambda: not kubectl.fails("apply", "-f", "-", stdin=text), "the older definition is in force", 30)
    until(lambda: kubectl.fails("create", "--dry-run=server", "-f", "-", stdin=renamed(obj)), "the present one", 30)

    async def told() -> bool:
        await reconciler(kind).reconcile(namespace, name)
        found = await kube.get(kind, namespace, name)
        return found is not None and condition(found, "Stalled") == ("True", "SpecInvalid")

    await eventually(told, "it is told")
    found = await kube.get(kind, namespace, name)
    assert found is not None
    assert f"({place}" in message(found, "Stalled")
    if good is None:
        return
    kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=json.dumps({**obj, "spec": good}))
    await reconciler(kind).reconcile(namespace, name)
    found = await kube.get(kind, namespace, name)
    assert found is not None
    assert condition(found, "Stalled") == ("True", "NoVersion")


def renamed(obj: dict[str, Any]) -> str:
    """The same as a new object."""
    return json.dumps({**obj, "metadata": {**obj["metadata"], "name": f"{obj['metadata']['name']}-x"}})
