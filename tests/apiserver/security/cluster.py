"""Who asked the apiserver for what, and clients with tokens of their own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from devcluster.apiserver import AUDIT_LOG
from perennial.ports.kinds import Kind
from perennial.ports.kube import KubeClient
from tests.apiserver.support import Kubectl, eventually

SYSTEM = "perennial-system"
OPERATOR = f"system:serviceaccount:{SYSTEM}:perennial-operator"


def objects(text: str) -> list[dict[str, Any]]:
    """The objects of a stream of YAML."""
    return [each for each in yaml.safe_load_all(text) if each]


def audited(kubectl: Kubectl, user: str = OPERATOR) -> list[dict[str, Any]]:
    """The finished requests of a user that were about a resource, in order."""
    lines = (kubectl.kubeconfig.parent / AUDIT_LOG).read_text().splitlines()
    events = (json.loads(line) for line in lines)
    return [each for each in events if each["user"]["username"] == user and "objectRef" in each]


async def token(admin: KubeClient, namespace: str, account: str) -> str:
    """A token of a service account."""
    url = f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token"
    request = Posted("authentication.k8s.io", "v1", url, "TokenRequest")
    made = await admin.create(request, {"metadata": {"namespace": namespace, "name": account}, "spec": {}})
    return str(made["status"]["token"])


async def client(admin_kubeconfig: Path, token: str, path: Path) -> KubeClient:
    """The real client with this token; `path` becomes its kubeconfig."""
    write_kubeconfig(admin_kubeconfig, token, path)
    return await KubeClient.connect(kubeconfig=str(path))


def write_kubeconfig(admin_kubeconfig: Path, token: str, path: Path) -> None:
    """The same cluster with this token."""
    config = yaml.safe_load(admin_kubeconfig.read_text())
    config["users"] = [{"name": user["name"], "user": {"token": token}} for user in config["users"]]
    path.write_text(yaml.safe_dump(config))


async def until_allowed(kube: KubeClient, verb: str, group: str, resource: str, namespace: str) -> None:
    """Roles reach the authorizer a moment after they are written."""
    url = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    review = Posted("authorization.k8s.io", "v1", url, "SelfSubjectAccessReview")
    attributes = {"verb": verb, "group": group, "resource": resource, "namespace": namespace}

    async def allowed() -> bool:
        call = {"metadata": {"namespace": ""}, "spec": {"resourceAttributes": attributes}}
        answer = await kube.create(review, call)
        return bool(answer["status"]["allowed"])

    await eventually(allowed, f"{verb} {resource} is allowed")


class Posted(Kind):
    """What is posted to a URL of its own; `plural` is that URL."""

    def path(self, namespace: str | None, name: str | None = None) -> str:
        return self.plural
