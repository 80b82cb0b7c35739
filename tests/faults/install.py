"""What an apiserver needs before the operator can work: definitions, our manifests, a gateway."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import yaml

from devcluster import crds
from tests.apiserver.modeldeployment.stage import gateway
from tests.apiserver.support import Kubectl, until

ROOT = Path(__file__).parents[2]
IMAGES = ("localhost/perennial-operator:test", "localhost/perennial-trainer:test")
FOREIGN = {"inferenceservices", "servingruntimes", "httproutes", "gateways"}


def install(kubectl: Kubectl) -> None:
    """Install everything and wait until it is served."""
    for namespace in ("perennial-system", "envoy-gateway-system"):
        kubectl("create", "namespace", namespace)
    definitions = (path.read_text() for path in crds.files() if path.stem.partition("_")[2] in FOREIGN)
    kubectl("apply", "--server-side", "-f", "-", stdin="\n---\n".join(definitions))
    kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=_manifests(kubectl))
    until(lambda: _established(kubectl), "all definitions are served", 60)
    kubectl("apply", "--server-side", "-f", "-", stdin=yaml.safe_dump_all(gateway()))


def _manifests(kubectl: Kubectl) -> str:
    command = [str(ROOT / "scripts/manifests"), "devcluster", *IMAGES]
    environment = {"KUBECTL": " ".join(kubectl.command), "PATH": "/usr/bin:/bin"}
    return subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout


def _established(kubectl: Kubectl) -> bool:
    found = json.loads(kubectl("get", "crd", "-o", "json"))["items"]
    said = [each.get("status", {}).get("conditions") or [] for each in found]
    if not all(any(c["type"] == "Established" and c["status"] == "True" for c in conditions) for conditions in said):
        return False
    # The storage of a large definition comes a moment after it is established.
    base = [*kubectl.command, f"--kubeconfig={kubectl.kubeconfig}", "get"]
    names = (each["spec"]["names"]["plural"] for each in found)
    return all(subprocess.run([*base, name], capture_output=True).returncode == 0 for name in names)
