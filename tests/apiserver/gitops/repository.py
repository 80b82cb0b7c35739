"""A Git repository of the example, and what Argo CD, Flux or a person at a shell does with it again and again."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import yaml

from tests.apiserver.support import Kubectl

EXAMPLES = Path(__file__).parents[3] / "examples/flights"
INSTANCE, TRACKING = "app.kubernetes.io/instance", "argocd.argoproj.io/tracking-id"
APPLICATION = "flights-serving"
WAYS = {
    "client-side": (),
    "server-side": ("--server-side", "--field-manager=argocd-controller"),
}


class Repository:
    """Files of the example in a folder, for a namespace of the test's own, tracked as Argo CD does it."""

    def __init__(self, folder: Path, kubectl: Kubectl, namespace: str, way: str) -> None:
        self.folder, self.namespace = folder, namespace
        self._kubectl, self._options = kubectl, WAYS[way]

    def commit(self, *names: str) -> None:
        """Files of the example are in Git from now on."""
        for name in names:
            documents = [self._tracked(each) for each in yaml.safe_load_all((EXAMPLES / name).read_text())]
            (self.folder / name).write_text(yaml.safe_dump_all(documents))

    def _tracked(self, obj: dict[str, Any]) -> dict[str, Any]:
        metadata = obj["metadata"]
        if obj["kind"] == "Namespace":
            metadata["name"] = self.namespace
        else:
            metadata["namespace"] = self.namespace
        metadata.setdefault("labels", {})[INSTANCE] = APPLICATION
        metadata.setdefault("annotations", {})[TRACKING] = f"{APPLICATION}:{obj['kind']}:{metadata['name']}"
        return obj

    def apply(self, *options: str) -> str:
        """Apply all that is in Git, and say what kubectl said."""
        return self._kubectl("apply", *self._options, *options, "--validate=false", "-f", str(self.folder))

    def difference(self) -> str:
        """What `kubectl diff` prints; nothing when an apply would change nothing."""
        command = [*self._kubectl.command, f"--kubeconfig={self._kubectl.kubeconfig}", "diff", *self._options]
        done = subprocess.run([*command, "-f", str(self.folder)], capture_output=True, text=True)
        assert done.returncode in (0, 1), done.stderr
        return done.stdout + (done.stderr if done.returncode else "")
