"""A replica as the cluster knows it: a process with the token of a pod of its own."""

from __future__ import annotations

import base64
import json
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

from tests.apiserver.support import Kubectl, OperatorProcess, until

SYSTEM = "perennial-system"
ACCOUNT = "perennial-operator"


class Replica(OperatorProcess):
    """`python -m perennial` that the apiserver takes for pod `name`.

    Attributes:
        credential: how the audit log names it.
    """

    def __init__(
        self,
        kubectl: Kubectl,
        folder: Path,
        name: str,
        settings: Mapping[str, object],
        *,
        server: str | None = None,
        more_environment: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """`server` is where it finds the apiserver, if not where kubectl does."""
        self.name = name
        token = _token_of_pod(kubectl, name)
        self.credential = _credential(token)
        path = folder / f"{name}.kubeconfig"
        path.write_text(yaml.safe_dump(_kubeconfig(kubectl, token, server)))
        direct = folder / f"{name}-direct.kubeconfig"
        direct.write_text(yaml.safe_dump(_kubeconfig(kubectl, token, None)))
        self._direct = Kubectl(kubectl.command, direct)
        super().__init__(path, folder / f"{name}.log", name, settings, more_environment)

    def freeze(self) -> None:
        """Stop it between two instructions, wherever it is."""
        self.signal(signal.SIGSTOP)

    def wake(self) -> None:
        """Let it go on."""
        self.signal(signal.SIGCONT)

    def refused(self, namespace: str) -> bool:
        """Whether the apiserver knows by now that this replica leads no more, and refuses what it writes."""
        probe = ("create", "job", "probe", "--image=none:1", "--dry-run=server")
        return "leads no more" in self._direct.fails("-n", namespace, *probe)

    def takes_over(self, since: float, seconds: float = 20) -> float:
        """Wait until it leads; the seconds since `since` (time.monotonic)."""
        until(self.leads, f"{self.name} leads", since + seconds - time.monotonic())
        return time.monotonic() - since


def _kubeconfig(kubectl: Kubectl, token: str, server: str | None) -> dict[str, Any]:
    config: dict[str, Any] = yaml.safe_load(kubectl.kubeconfig.read_text())
    config["users"] = [{"name": user["name"], "user": {"token": token}} for user in config["users"]]
    if server is not None:
        config["clusters"] = [{"name": each["name"], "cluster": {"server": server}} for each in config["clusters"]]
    return config


def _token_of_pod(kubectl: Kubectl, name: str) -> str:
    deployment = json.loads(kubectl("-n", SYSTEM, "get", "deployment", "perennial-operator", "-o", "json"))
    spec = deployment["spec"]["template"]["spec"]
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"namespace": SYSTEM, "name": name}, "spec": spec}
    kubectl("create", "-f", "-", stdin=json.dumps(pod))
    bound = ("--bound-object-kind=Pod", f"--bound-object-name={name}")
    return kubectl("-n", SYSTEM, "create", "token", ACCOUNT, *bound).strip()


def _credential(token: str) -> str:
    body = token.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return f"JTI={claims['jti']}"
