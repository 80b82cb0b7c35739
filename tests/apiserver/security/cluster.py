"""A real apiserver with the real definitions of KServe and the Gateway API, our manifests, and an audit log."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from devcluster import crds, go
from devcluster.apiserver import AUDIT_LOG, running_apiserver
from perennial.ports.kinds import Kind
from perennial.ports.kube import KubeClient
from tests.apiserver.modeldeployment.stage import gateway
from tests.apiserver.support import Kubectl, eventually, until

ROOT = Path(__file__).parents[3]
SYSTEM = "perennial-system"
OPERATOR = f"system:serviceaccount:{SYSTEM}:perennial-operator"
IMAGES = ("localhost/perennial-operator:test", "localhost/perennial-trainer:test")
FOREIGN = {"inferenceservices", "servingruntimes", "httproutes", "gateways"}


@contextmanager
def secured(directory: Path, overlay: str = "devcluster", *namespaces: str) -> Iterator[Kubectl]:
    """kubectl of an admin; `namespaces` are made before the overlay is applied. See `audited` for the audit log."""
    with running_apiserver(directory, audit=True) as kubeconfig:
        kubectl = Kubectl([str(go.build("kubernetes")), "kubectl"], kubeconfig)
        for namespace in (SYSTEM, "envoy-gateway-system", *namespaces):
            kubectl("create", "namespace", namespace)
        definitions = (path.read_text() for path in crds.files() if path.stem.partition("_")[2] in FOREIGN)
        kubectl("apply", "--server-side", "-f", "-", stdin="\n---\n".join(definitions))
        kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=manifests(kubectl, overlay))
        until(lambda: _established(kubectl), "all definitions established", 60)
        kubectl("apply", "--server-side", "-f", "-", stdin=yaml.safe_dump_all(gateway()))
        _program_gateway(kubectl)
        yield kubectl


def _program_gateway(kubectl: Kubectl) -> None:
    """What the gateway's own controller says of it."""
    said = {"status": "True", "reason": "Played", "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z"}
    status = {"conditions": [{"type": each, **said} for each in ("Accepted", "Programmed")]}
    patch = ["--subresource=status", "--type=merge", "-p", json.dumps({"status": status})]
    kubectl("-n", "envoy-gateway-system", "patch", "gateway", "gw", *patch)


def manifests(kubectl: Kubectl, overlay: str) -> str:
    """What `scripts/manifests` prints for an overlay."""
    environment = {"KUBECTL": " ".join(kubectl.command), "PATH": "/usr/bin:/bin"}
    command = [str(ROOT / "scripts/manifests"), overlay, *IMAGES]
    return subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout


def objects(text: str) -> list[dict[str, Any]]:
    """The objects of a stream of YAML."""
    return [each for each in yaml.safe_load_all(text) if each]


def _established(kubectl: Kubectl) -> bool:
    def served(plural: str) -> bool:
        # The storage of a large definition comes a moment after it is established.
        return subprocess.run([*kubectl.command, f"--kubeconfig={kubectl.kubeconfig}", "get", plural]).returncode == 0

    found = json.loads(kubectl("get", "crd", "-o", "json"))["items"]
    said = [each.get("status", {}).get("conditions") or [] for each in found]
    ready = (any(c["type"] == "Established" and c["status"] == "True" for c in conditions) for conditions in said)
    return all(ready) and all(map(served, FOREIGN))


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
