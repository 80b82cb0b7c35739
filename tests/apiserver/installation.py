"""A kube-apiserver with our manifests and the real definitions of KServe and the Gateway API on it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import yaml

from devcluster import crds, go
from devcluster.apiserver import running_apiserver
from tests.apiserver.modeldeployment.stage import GATEWAY, gateway, gateway_taken
from tests.apiserver.support import Kubectl, until

ROOT = Path(__file__).parents[2]
IMAGES = ("localhost/perennial-operator:test", "localhost/perennial-trainer:test")
FOREIGN = {"inferenceservices", "servingruntimes", "httproutes", "gateways"}


@contextmanager
def installation(
    directory: Path, *, audit: bool = False, overlay: str = "devcluster", namespaces: Sequence[str] = ()
) -> Iterator[Kubectl]:
    """kubectl of an admin; `namespaces` are made before the overlay is applied.

    See `running_apiserver` for the folder and the audit log.
    """
    with running_apiserver(directory, audit=audit) as kubeconfig:
        kubectl = Kubectl([str(go.build("kubernetes")), "kubectl"], kubeconfig)
        for namespace in ("perennial-system", "envoy-gateway-system", *namespaces):
            kubectl("create", "namespace", namespace)
        kubectl("apply", "--server-side", "-f", "-", stdin=_definitions())
        kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=manifests(kubectl, overlay))
        until(lambda: _established(kubectl), "all definitions established", 60)
        install_gateway(kubectl)
        yield kubectl


def install_gateway(kubectl: Kubectl) -> None:
    """The Gateway with its Service in their namespace, and what its controller says of it."""
    kubectl("apply", "-f", "-", stdin=f"{{apiVersion: v1, kind: Namespace, metadata: {{name: {GATEWAY[0]}}}}}")
    kubectl("apply", "--server-side", "-f", "-", stdin=yaml.safe_dump_all(gateway()))
    kubectl("apply", "--server-side", "--subresource=status", "-f", "-", stdin=yaml.safe_dump(gateway_taken(*GATEWAY)))


def _definitions() -> str:
    return "\n---\n".join(path.read_text() for path in crds.files() if path.stem.partition("_")[2] in FOREIGN)


def _established(kubectl: Kubectl) -> bool:
    def served(plural: str) -> bool:
        # The storage of a large definition comes a moment after it is established.
        return subprocess.run([*kubectl.command, f"--kubeconfig={kubectl.kubeconfig}", "get", plural]).returncode == 0

    found = json.loads(kubectl("get", "crd", "-o", "json"))["items"]
    said = [each.get("status", {}).get("conditions") or [] for each in found]
    ready = (any(c["type"] == "Established" and c["status"] == "True" for c in conditions) for conditions in said)
    return all(ready) and all(map(served, FOREIGN))


def manifests(kubectl: Kubectl, overlay: str) -> str:
    """What `scripts/manifests` prints for an overlay."""
    command = [str(ROOT / "scripts/manifests"), overlay, *IMAGES]
    environment = {"KUBECTL": " ".join(kubectl.command), "PATH": "/usr/bin:/bin"}
    return subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout
