"""The small parts: route, revision, health, gateway, preflight's result, target, what is followed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from perennial.api.modelversion import ModelVersionSpec
from perennial.api.serving import Router, Serving
from perennial.controllers.modeldeployment import preflight, revision, route
from perennial.controllers.modeldeployment.gateway import GatewayView, state
from perennial.controllers.modeldeployment.health import health
from perennial.controllers.modeldeployment.revision import Version, resolve
from tests.unit.controllers.modeldeployment.objects import deployment, gateway, outcome, version
from tests.unit.controllers.modeldeployment.world import World

NOW = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
OWNER = {**deployment(), "metadata": {**deployment()["metadata"], "generation": 1}}
ROUTER = Router.model_validate(deployment()["spec"]["router"])


def a_route(weights: dict[str, int], tokens: dict[str, str], **more: Any) -> dict[str, Any]:
    return route.route(OWNER, ROUTER, weights, tokens, NOW, **more)


def a_version(number: int = 1) -> Version:
    spec = ModelVersionSpec.model_validate(version(number)["spec"])
    return Version(f"late-{number}", f"version-{number}", spec, verified=True)


# The route.


def test_what_is_written_is_read_back() -> None:
    weights, tokens = {"late-a": 90, "late-b": 10}, {"late-a": "s", "late-b": "t"}
    live = route.read(a_route(weights, tokens, rolled_back={"c": "Why."}))
    assert (live.weights, live.tokens, live.since, live.rolled_back) == (weights, tokens, NOW, {"c": "Why."})


def test_only_the_models_own_paths_are_published() -> None:
    rules = a_route({"late-a": 100}, {"late-a": "s"})["spec"]["rules"]
    paths = {(m["path"]["type"], m["path"]["value"]) for rule in rules for m in rule["matches"]}
    assert paths == {
        ("Exact", "/v1/models/late"),
        ("Exact", "/v1/models/late:predict"),
        ("PathPrefix", "/v2/models/late"),
    }


def test_a_keeper_rule_is_for_its_token_and_its_service_alone() -> None:
    split, keeper = a_route({"late-a": 100}, {"late-a": "secret"})["spec"]["rules"]
    assert all("headers" not in match for match in split["matches"])
    assert {(h["name"], h["value"]) for m in keeper["matches"] for h in m["headers"]} == {
        ("x-perennial-revision", "secret")
    }
    assert [ref["name"] for ref in keeper["backendRefs"]] == ["late-a-predictor"]


def test_without_weights_there_is_no_way_in_for_users() -> None:
    assert [rule["name"] for rule in a_route({}, {"late-a": "s"})["spec"]["rules"]] == ["late-a"]


def test_no_backend_has_a_filter_because_it_would_not_be_merged() -> None:
    rules = a_route({"late-a": 100}, {"late-a": "s"})["spec"]["rules"]
    assert all(ref.keys() == {"group", "kind", "name", "port", "weight"} for r in rules for ref in r["backendRefs"])


# Revisions.


def test_equal_inputs_are_one_revision_whatever_the_default_image() -> None:
    first = resolve("late", a_version(), Serving(), (), "image:one")
    assert resolve("late", a_version(), Serving(), (), "image:one") == first
    assert resolve("late", a_version(), Serving(), (first,), "image:two") is first
    assert resolve("late", a_version(), Serving(), (), "image:two").revision != first.revision


@pytest.mark.parametrize(
    ("serving", "same"),
    [
        ({}, True),
        ({"replicas": 3}, True),
        ({"readyDeadlineSeconds": 60}, True),
        ({"image": "x:1"}, False),
        ({"resources": {"limits": {"memory": "2Gi"}}}, False),
        ({"env": [{"name": "A", "value": "1"}]}, False),
    ],
)
def test_what_makes_another_revision(serving: dict[str, Any], same: bool) -> None:
    first = resolve("late", a_version(), Serving(), (), "image:one")
    found = resolve("late", a_version(), Serving.model_validate(serving), (first,), "image:one")
    assert (found is first) is same
    assert found.ordinal == (1 if same else 2)


def test_a_version_made_again_under_its_number_is_another_revision() -> None:
    first = resolve("late", a_version(), Serving(), (), "image")
    again = replace(a_version(), uid="made-again")
    assert resolve("late", again, Serving(), (first,), "image").revision != first.revision


def test_a_record_is_read_back_as_it_was_written() -> None:
    record = replace(resolve("late", a_version(), Serving(), (), "image"), role="canary", outcome="X", message="Why.")
    assert revision.parse(revision.manifest(OWNER, record)) == record


# Health.


def pod(ready: str = "False", /, *, scheduled: dict[str, Any] | None = None, **container: Any) -> dict[str, Any]:
    conditions = [{"type": "Ready", "status": ready}]
    if scheduled:
        conditions.append({"type": "PodScheduled", "status": "False", **scheduled})
    return {"metadata": {}, "status": {"conditions": conditions, "containerStatuses": [container] if container else []}}


ENDED = {"terminated": {"exitCode": 3, "message": "no module\nnamed x"}}
KILLED = {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}
PULL = {"waiting": {"reason": "ImagePullBackOff", "message": 'Back-off pulling "x:1"'}}


@pytest.mark.parametrize(
    ("pods", "failure", "waiting"),
    [
        ((), None, "its InferenceService is being created"),
        ((pod(),), None, "its pods are not ready yet"),
        ((pod(state=PULL),), None, 'its image cannot be pulled (Back-off pulling "x:1")'),
        ((pod(restartCount=1, lastState=ENDED),), None, "its pod ended: exit code 3, saying: no module named x"),
        (
            (pod(restartCount=2, lastState=ENDED),),
            "its pod ended 2 times: exit code 3, saying: no module named x",
            "its pod ended: exit code 3, saying: no module named x",
        ),
        (
            (pod(restartCount=2, lastState=KILLED),),
            "its pod ended 2 times: it was out of memory; raise serving.resources.limits.memory",
            "its pod ended: it was out of memory; raise serving.resources.limits.memory",
        ),
        (
            (pod(scheduled={"reason": "Unschedulable", "message": "0/1 nodes: too little cpu"}),),
            None,
            "its pod cannot be scheduled: 0/1 nodes: too little cpu",
        ),
        (
            (pod("True", restartCount=5, lastState=ENDED, ready=True),),
            None,
            "its pods are not ready yet",
        ),
    ],
)
def test_health(pods: tuple[dict[str, Any], ...], failure: str | None, waiting: str) -> None:
    found = health(None, pods)
    assert (found.failure, found.waiting) == (failure, waiting)


def test_a_pod_that_is_going_does_not_count() -> None:
    going = {**pod("True"), "metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}}
    assert health(None, (going, pod("True"))).ready == 1


def test_kserve_is_quoted_where_there_is_no_pod() -> None:
    service = {"status": {"conditions": [{"type": "PredictorReady", "status": "False", "message": "quota"}]}}
    assert health(service, ()).waiting == "KServe says: quota"


# The gateway.


def taken(*conditions: tuple[str, str, int]) -> dict[str, Any]:
    said = [{"type": t, "status": s, "observedGeneration": g, "message": "m"} for t, s, g in conditions]
    return {"metadata": {"generation": 2}, "status": {"parents": [{"conditions": said}]}}


@pytest.mark.parametrize(
    ("live", "status", "reason"),
    [
        (None, "Unknown", "RoutePending"),
        (taken(), "Unknown", "RoutePending"),
        (taken(("Accepted", "True", 2)), "Unknown", "RoutePending"),
        (taken(("Accepted", "True", 1), ("ResolvedRefs", "True", 1)), "Unknown", "RoutePending"),
        (taken(("Accepted", "False", 1), ("ResolvedRefs", "True", 1)), "Unknown", "RoutePending"),
        (taken(("Accepted", "True", 2), ("ResolvedRefs", "True", 2)), "True", "RouteAccepted"),
        (taken(("Accepted", "True", 2), ("ResolvedRefs", "False", 2)), "False", "RouteRefused"),
        (taken(("Accepted", "True", 2), ("ResolvedRefs", "True", 2), ("Other", "False", 1)), "True", "RouteAccepted"),
    ],
)
def test_whether_the_gateway_took_the_route(live: dict[str, Any] | None, status: str, reason: str) -> None:
    view = GatewayView(True, gateway()[0], gateway()[1])
    found = state(view, ROUTER, "late", "flights", live)
    assert (found.status, found.reason) == (status, reason)


@pytest.mark.parametrize(
    ("protocol", "port", "url"),
    [
        ("HTTP", 80, "http://late.localhost/v1/models/late"),
        ("HTTP", 8080, "http://late.localhost:8080/v1/models/late"),
        ("HTTPS", 443, "https://late.localhost/v1/models/late"),
        ("TCP", 9000, None),
    ],
)
def test_the_address(protocol: str, port: int, url: str | None) -> None:
    listener = {**gateway()[0], "spec": {"listeners": [{"name": "l", "protocol": protocol, "port": port}]}}
    assert state(GatewayView(True, listener, None), ROUTER, "late", "flights", None).url == url


# The preflight.


CREATED = {"name": "late-a-preflight", "uid": "1", "creationTimestamp": "2026-01-01T00:00:00Z"}


def job(kind: str, message: str = "") -> dict[str, Any]:
    ended = {"type": kind, "status": "True", "message": message, "lastTransitionTime": "2026-01-01T00:00:09Z"}
    return {"metadata": CREATED, "status": {"conditions": [ended]}}


def said(text: str, why: str = "Error", **status: Any) -> dict[str, Any]:
    ended = {"message": text, "exitCode": 1, "reason": why}
    container = {"name": "preflight", "state": {"terminated": ended}}
    return {"metadata": CREATED, "status": {"containerStatuses": [container], **status}}


EVICTED = {"phase": "Failed", "reason": "Evicted", "message": "The node was low on memory."}


@pytest.mark.parametrize(
    ("live", "pods", "expected"),
    [
        (None, (), ("Absent", "")),
        ({"metadata": CREATED}, (), ("Running", "")),
        (job("Complete"), (), ("Passed", "")),
        (job("Failed", "Job was too slow."), (), ("Unanswered", "Job was too slow.")),
        (job("Failed"), (said(outcome("No answer.", "NoAnswer")),), ("Unanswered", "No answer.")),
        (job("Failed"), (said(outcome("status 500.", "ServerError")),), ("Failed", "status 500.")),
        (job("Failed"), (said("", "OOMKilled"),), ("Unanswered", "its Job failed")),
        (job("Failed"), (said("interrupted", **EVICTED),), ("Unanswered", "interrupted")),
        (job("Failed"), (said(outcome("Row 3 differs.")),), ("Failed", "Row 3 differs.")),
        (job("Failed"), (said("Traceback\n  boom"),), ("Failed", "Traceback boom")),
    ],
)
def test_how_a_preflight_stands(live: Any, pods: Any, expected: tuple[str, str]) -> None:
    found = preflight.result(live, pods)
    assert (found.state, found.message) == expected


# What is followed.


async def test_the_evidence_follows_the_weights_that_the_route_has() -> None:
    world = World(version(1))
    await world.in_traffic()
    followed = world.analysis.watched
    assert followed is not None
    status = await world.status()
    assert (followed.stable, followed.canary) == tuple(status[r]["inferenceService"] for r in ("stable", "canary"))
    assert followed.plan.weights == (10, 50)
    assert followed.weight_since == (await world.route()).since
    assert status["canary"]["revision"] in followed.revision


async def test_nothing_is_followed_while_nothing_rolls() -> None:
    world = World(version(1))
    await world.serving()
    assert world.analysis.watched is None
