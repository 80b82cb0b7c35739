"""A stored spec that the types refuse, and a right that is missing, are told by every kind in the same way."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from perennial.api import RESOURCES
from perennial.api.modeldeployment import ModelDeploymentSpec
from perennial.controllers.guard import MAIN, Guarded, spec_problem
from perennial.core.clock import FakeClock
from perennial.core.events import EventRecorder
from perennial.core.metrics import Metrics
from perennial.core.reconciling import Result
from perennial.core.services import Services
from perennial.ports.kinds import EVENT, MODEL_DEPLOYMENT, MODEL_VERSION, TRAINING_RUN, Kind
from perennial.ports.kube import Forbidden, Invalid, KubeError, Unavailable
from perennial.ports.kube_fake import RecordingKube
from tests.unit.controllers.modeldeployment.world import SETTINGS

KINDS = {kind.kind: kind for kind in (TRAINING_RUN, MODEL_VERSION, MODEL_DEPLOYMENT)}
SPECS = {each.kind: each.spec for each in RESOURCES}
NAMESPACE, NAME = "flights", "late"


class Inner:
    """A reconciler that reads the spec as its kind does, and raises what a test wants."""

    manager = "perennial-test"

    def __init__(self, kube: RecordingKube, kind: Kind) -> None:
        self.kube, self.kind = kube, kind
        self.error: Exception | None = None

    async def reconcile(self, namespace: str, name: str) -> Result:
        if self.error:
            raise self.error
        obj = await self.kube.get(self.kind, namespace, name)
        assert obj is not None
        SPECS[self.kind.kind].model_validate(obj["spec"])
        return Result(7)


def guarded(kube: RecordingKube, kind: Kind) -> tuple[Guarded, Inner]:
    clock = FakeClock(datetime(2026, 1, 1, tzinfo=UTC))
    events = EventRecorder(kube, clock, "operator-0")
    inner = Inner(kube, kind)
    return Guarded(inner, Services(kube, clock, SETTINGS, events, Metrics(), lambda _: None)), inner


def stored(kind: str, **status: Any) -> dict[str, Any]:
    """Its model's name is a number, which no type takes."""
    metadata = {"namespace": NAMESPACE, "name": NAME, "generation": 4}
    return {"kind": kind, "metadata": metadata, "spec": {"modelName": 7}, "status": status}


async def conditions(kube: RecordingKube, kind: Kind) -> dict[str, tuple[str, str]]:
    obj = await kube.get(kind, NAMESPACE, NAME)
    assert obj is not None
    return {each["type"]: (each["status"], each["reason"]) for each in obj["status"]["conditions"]}


def said(type_: str, status: str) -> dict[str, Any]:
    time = "2025-12-31T00:00:00Z"
    return {"type": type_, "status": status, "reason": "R", "message": "M.", "lastTransitionTime": time}


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda each: each.kind)
async def test_a_stored_spec_that_is_not_valid_stalls_with_a_sentence(kind: Kind) -> None:
    kube = RecordingKube(stored(kind.kind, stable={"version": 1}, conditions=[said("Reconciling", "True")]))
    reconciler, _ = guarded(kube, kind)
    assert await reconciler.reconcile(NAMESPACE, NAME) == Result()
    main, value = MAIN[kind.kind]
    assert await conditions(kube, kind) == {"Stalled": ("True", "SpecInvalid"), main: (value, "SpecInvalid")}
    obj = await kube.get(kind, NAMESPACE, NAME)
    assert obj is not None
    message = next(each["message"] for each in obj["status"]["conditions"] if each["type"] == "Stalled")
    assert message.startswith("The stored spec is not valid for this release of Perennial (spec.")
    assert "kubectl edit" in message or "create another one" in message
    assert obj["status"]["stable"] == {"version": 1}, "what was known of it stays"
    assert len(await kube.list(EVENT, NAMESPACE)) == 1
    before = len(kube.writes)
    await reconciler.reconcile(NAMESPACE, NAME)
    assert kube.writes[before:] == [], "said once"


class Unwritable(RecordingKube):
    """Takes no status, as an apiserver does beside a spec of other types than its definition's."""

    error: KubeError = Invalid("")

    async def apply_status(self, kind: Kind, obj: dict[str, Any], *, manager: str) -> dict[str, Any]:
        raise self.error


@pytest.mark.parametrize("error", [Invalid("no such key: sha256"), Unavailable("failed to create typed live object")])
async def test_where_no_status_can_be_written_an_event_tells(error: KubeError) -> None:
    kube = Unwritable(stored("ModelVersion"))
    kube.error = error
    assert await guarded(kube, MODEL_VERSION)[0].reconcile(NAMESPACE, NAME) == Result(300)
    (event,) = await kube.list(EVENT, NAMESPACE)
    assert (event["type"], event["reason"]) == ("Warning", "SpecInvalid")
    assert "spec.modelName" in event["note"]


async def test_a_run_that_has_ended_stays_as_it_ended() -> None:
    kube = RecordingKube(stored("TrainingRun", conditions=[said("Succeeded", "True")]))
    await guarded(kube, TRAINING_RUN)[0].reconcile(NAMESPACE, NAME)
    assert kube.writes == []


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda each: each.kind)
async def test_a_missing_permission_is_quoted_and_tried_again(kind: Kind) -> None:
    kube = RecordingKube(stored(kind.kind))
    reconciler, inner = guarded(kube, kind)
    inner.error = Forbidden('pods is forbidden: User "x" cannot list resource "pods"')
    assert await reconciler.reconcile(NAMESPACE, NAME) == Result(30)
    assert await conditions(kube, kind) == {"Stalled": ("True", "PermissionMissing")}
    obj = await kube.get(kind, NAMESPACE, NAME)
    assert obj is not None
    assert 'cannot list resource "pods"' in obj["status"]["conditions"][0]["message"]


async def test_an_object_that_is_gone_is_no_error() -> None:
    reconciler, inner = guarded(RecordingKube(), MODEL_DEPLOYMENT)
    inner.error = Forbidden("no")
    assert await reconciler.reconcile(NAMESPACE, NAME) == Result()


async def test_what_is_not_the_specs_fault_is_raised_on() -> None:
    good = {"modelName": "late", "version": 1, "router": {"gatewayRef": {"name": "gw"}, "hostname": "a.b"}}
    kube = RecordingKube({**stored("ModelDeployment"), "spec": good})
    reconciler, inner = guarded(kube, MODEL_DEPLOYMENT)
    assert await reconciler.reconcile(NAMESPACE, NAME) == Result(7)
    with pytest.raises(ValidationError) as mistake:
        ModelDeploymentSpec.model_validate({})
    inner.error = mistake.value
    with pytest.raises(ValidationError):
        await reconciler.reconcile(NAMESPACE, NAME)
    assert kube.writes == []


def test_the_value_itself_is_never_told() -> None:
    obj = stored("ModelDeployment")
    obj["spec"] = {"modelName": "SECRET!", "version": 1, "router": {"gatewayRef": {"name": "gw"}, "hostname": "a.b"}}
    words = spec_problem("ModelDeployment", obj)
    assert words is not None
    assert "spec.modelName" in words
    assert "SECRET" not in words
