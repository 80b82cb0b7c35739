"""The roles for people: who may look, change, let a version serve; and that nobody writes a status.

Nothing joins roles together here, that is the controller-manager's work: the labels are asserted, and the roles alone.
"""

from __future__ import annotations

import pytest
import yaml

from perennial.ports.kube import KubeClient
from tests.apiserver.security import cluster
from tests.apiserver.support import Kubectl, eventually

OURS = ("trainingruns", "modelversions", "modeldeployments")
LOOK, CHANGE = ("get", "list", "watch"), ("create", "update", "patch", "delete", "deletecollection")
AGGREGATED = {"view": {"view"}, "edit": {"edit", "admin"}, "approve": {"admin"}}
LABEL = "rbac.authorization.k8s.io/aggregate-to-"


@pytest.fixture
async def bound(secured: Kubectl, admin: KubeClient, namespace: str) -> str:
    """A namespace in which a user called like each role has it."""
    for role in AGGREGATED:
        bind = ["create", "rolebinding", role, f"--clusterrole=perennial-{role}", f"--user={namespace}-{role}"]
        secured("-n", namespace, *bind)
    await eventually(lambda: may(admin, namespace, "approve", "approve", "modelversions"), "the bindings are in force")
    return namespace


async def may(admin: KubeClient, namespace: str, role: str, verb: str, resource: str) -> bool:
    """What `kubectl auth can-i` asks."""
    url = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
    review = cluster.Posted("authorization.k8s.io", "v1", url, "SubjectAccessReview")
    plural, _, subresource = resource.partition("/")
    what = {"verb": verb, "group": "perennial.dev", "resource": plural, "subresource": subresource}
    spec = {"user": f"{namespace}-{role}", "resourceAttributes": {**what, "namespace": namespace}}
    answer = await admin.create(review, {"metadata": {"namespace": ""}, "spec": spec})
    return bool(answer["status"]["allowed"])


async def test_who_may_do_what(admin: KubeClient, bound: str) -> None:
    allowed = {
        (role, verb)
        for role in AGGREGATED
        for verb in (*LOOK, *CHANGE, "approve", "register")
        if all([await may(admin, bound, role, verb, plural) for plural in OURS])
    }
    assert allowed == {(role, verb) for role in ("view", "edit") for verb in LOOK} | {("edit", verb) for verb in CHANGE}
    assert [role for role in AGGREGATED if await may(admin, bound, role, "approve", "modelversions")] == ["approve"]


async def test_status_is_nobodys(admin: KubeClient, bound: str) -> None:
    for role in AGGREGATED:
        for plural in OURS:
            for verb in ("update", "patch"):
                assert not await may(admin, bound, role, verb, f"{plural}/status")


def test_the_clusters_own_roles_carry_them(secured: Kubectl) -> None:
    for role, carried_by in AGGREGATED.items():
        labels = yaml.safe_load(secured("get", "clusterrole", f"perennial-{role}", "-o", "yaml"))["metadata"]["labels"]
        found = {label.removeprefix(LABEL) for label in labels if label.startswith(LABEL)}
        assert found == carried_by


async def test_a_watcher_may_ask_the_operator_and_nothing_else(
    secured: Kubectl, admin: KubeClient, namespace: str
) -> None:
    user = f"{namespace}-watcher"
    secured("-n", cluster.SYSTEM, "create", "rolebinding", user, "--role=perennial-watch", f"--user={user}")

    async def proxied(service: str, verb: str = "get", at: str = cluster.SYSTEM) -> bool:
        url = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
        review = cluster.Posted("authorization.k8s.io", "v1", url, "SubjectAccessReview")
        what = {"verb": verb, "group": "", "resource": "services", "subresource": "proxy", "name": service}
        spec = {"user": user, "resourceAttributes": {**what, "namespace": at}}
        answer = await admin.create(review, {"metadata": {"namespace": ""}, "spec": spec})
        return bool(answer["status"]["allowed"])

    await eventually(lambda: proxied("perennial-operator:metrics"), "the binding is in force")
    asked = [
        await proxied("perennial-operator:metrics", "create"),
        await proxied("perennial-operator"),
        await proxied("prometheus:http"),
        await proxied("perennial-operator:metrics", at=namespace),
        await may(admin, cluster.SYSTEM, "watcher", "get", "modeldeployments"),
    ]
    assert asked == [False] * 5
