"""The cluster of the kubeconfig's current context: it is not ours, so only Perennial comes and goes."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable

from devcluster.kubectl import Kubectl
from devcluster.progress import say, step

from . import tools
from .choice import NoClusterError
from .looking import look
from .needs import lacking
from .rendering import manifests

_URL = "PERENNIAL_PROMETHEUS_URL"
_GROUP = ".perennial.dev"
_DEFINITION = re.compile(r"^kind: CustomResourceDefinition$", re.MULTILINE)
# In place of images where none is run: while looking, and while removing.
_NO_IMAGE = ("perennial-operator:none", "perennial-trainer:none")
# A registry's: its tag never moves, so a changed image has another reference.
_FIXED = re.compile(r"\S+(@sha256:[0-9a-f]{64}|:(?!latest$)[\w.-]+)")


class Current:
    """Whatever the kubeconfig means; PERENNIAL_* variables say what it cannot."""

    name = "current"

    @property
    def gateway(self) -> str:
        """PERENNIAL_GATEWAY_URL; a port that is forwarded to this machine by default."""
        return os.environ.get("PERENNIAL_GATEWAY_URL", "http://127.0.0.1:8080")

    @property
    def prometheus(self) -> str:
        """PERENNIAL_LOCAL_PROMETHEUS_URL; a port that is forwarded to this machine by default."""
        return os.environ.get("PERENNIAL_LOCAL_PROMETHEUS_URL", "http://127.0.0.1:9090")

    @property
    def overlay(self) -> str:
        """PERENNIAL_OVERLAY."""
        return os.environ.get("PERENNIAL_OVERLAY", "base")

    def settings(self) -> tuple[str, ...]:
        """The Prometheus of the environment, if it names one."""
        return (f"{_URL}={os.environ[_URL]}",) if os.environ.get(_URL) else ()

    def image(self, name: str) -> str:
        """PERENNIAL_OPERATOR_IMAGE, PERENNIAL_TRAINER_IMAGE or PERENNIAL_FLIGHTS_DATA_IMAGE.

        Raises:
            NoClusterError: it is not set, or is a reference that moves.
        """
        variable = f"PERENNIAL_{name.upper().replace('-', '_')}_IMAGE"
        if not (reference := os.environ.get(variable, "")):
            raise NoClusterError(f"Set {variable} to the image {name} in a registry that your cluster pulls from.")
        if not _FIXED.fullmatch(reference):
            raise NoClusterError(f"{variable}={reference} must end in a tag other than latest, or in a digest.")
        return reference

    def kubectl(self) -> Kubectl:
        """kubectl as the kubeconfig says."""
        return Kubectl((tools.program("kubectl"),))

    def alias(self) -> str:
        """kubectl alone: the kubeconfig is yours."""
        return f"alias kubectl='{tools.program('kubectl')}'"

    def build(self) -> int:
        """Nothing: a registry has the images."""
        say("the images of your cluster come from a registry: docker build --target operator, and trainer, then push")
        return 0

    def up(self) -> int:
        """Look whether what Perennial needs is there, and say what is not."""
        found = look(self.kubectl(), self._prometheus_url())
        sentences = lacking(found)
        for sentence in sentences:
            print(sentence)
        if not sentences:
            say(f"the cluster of context {found.context} has what Perennial needs")
        return 1 if sentences else 0

    def down(self) -> int:
        """Remove Perennial; its definitions stay while there are objects of them, because those would go too."""
        kubectl = self.kubectl()
        documents = manifests(self, *_NO_IMAGE).split("\n---\n")
        definitions = [each for each in documents if _DEFINITION.search(each)]
        with step("removing Perennial", 10):
            self._delete(each for each in documents if each not in definitions)
            if not (kept := self._objects(kubectl)):
                self._delete(definitions)
        if kept:
            say(f"kept the definitions, because these would go with them: {' '.join(kept)}")
            say("what they made goes on serving; delete them and run this again to remove the definitions too")
        say("Perennial is gone; the cluster stays")
        return 0

    def status(self) -> int:
        """Where Perennial runs and what it has."""
        kubectl = self.kubectl()
        print("context:", kubectl("config", "current-context"))
        print(kubectl("get", "pods", "--namespace=perennial-system", "--output=wide"))
        return 0

    def _prometheus_url(self) -> str:
        found = re.search(rf"^  {_URL}: (\S+)$", manifests(self, *_NO_IMAGE), re.MULTILINE)
        return found[1].strip("\"'") if found else ""

    def _delete(self, documents: Iterable[str]) -> None:
        self.kubectl()("delete", "--ignore-not-found", "--timeout=120s", "-f", "-", given="\n---\n".join(documents))

    def _objects(self, kubectl: Kubectl) -> list[str]:
        """Objects of Perennial's kinds, as NAMESPACE/KIND/NAME."""
        names = [name.partition("/")[2] for name in kubectl("get", "crd", "--output=name").split()]
        template = "{range .items[*]}{.metadata.namespace}/{.kind}/{.metadata.name} {end}"
        kinds = [name for name in names if name.endswith(_GROUP)]
        return [
            each
            for kind in kinds
            for each in kubectl("get", kind, "--all-namespaces", f"--output=jsonpath={template}").split()
        ]
